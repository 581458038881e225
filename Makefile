# `make` alone lists what there is.
CARGO ?= cargo
PREFIX ?= /usr/local
DESTDIR ?=
# Flags for `make run`, for example: make run ARGS="--set profile=slow"
ARGS ?=

BINARY := target/release/video-compressor
BINDIR := $(PREFIX)/bin
UNITS := $(PREFIX)/lib/systemd
MAN := $(PREFIX)/share/man/man1
DOC := $(PREFIX)/share/doc/video-compressor
SYSUSERS := $(PREFIX)/lib/sysusers.d
BASH_COMPLETIONS := $(PREFIX)/share/bash-completion/completions
ZSH_COMPLETIONS := $(PREFIX)/share/zsh/site-functions
FISH_COMPLETIONS := $(PREFIX)/share/fish/vendor_completions.d
CONFIG := conf/video-compressor.toml
# The packaged units name the binary at its usual place.
WITH_BINDIR := sed 's|/usr/local/bin/video-compressor|$(BINDIR)/video-compressor|g'

.DEFAULT_GOAL := help
.PHONY: help run build test test-all test-corpus faults faults-long soak fuzz quality-table page pictures lint bench curve install uninstall clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Install ffmpeg when it is missing, build, and watch input/ here
	scripts/install-ffmpeg
	$(CARGO) build --release --locked
	$(BINARY) run --root . $(ARGS)

# A root without cargo (sudo make install) takes what was built before.
build: ## Build the release binary
	@if command -v $(CARGO) >/dev/null 2>&1; then \
		$(CARGO) build --release --locked; \
	elif [ -x $(BINARY) ]; then \
		echo "no cargo in PATH: taking $(BINARY) as it is"; \
	else \
		echo "no cargo in PATH and no $(BINARY): run 'make build' as the user who has Rust first" >&2; exit 3; \
	fi

test: ## Install what the core tests need, and run them
	scripts/install-ffmpeg
	$(CARGO) test --locked

# AFTER_TEST=1: `make test` has just passed here, so that only files run of which it has left something out.
AFTER_TEST ?=
LEFT_OUT = $(shell grep -l all_tests_wanted tests/*.rs tests/*/*.rs | sed 's|^tests/||; s|[./].*||' | grep -v '^common$$' | sort -u)
test-all: ## All tests, also those that need root, systemd's tools or a real ntfy server
	scripts/install-ffmpeg
	scripts/install-test-tools
	scripts/get-ntfy target/tools || echo "no ntfy server here, so its tests are skipped"
	scripts/get-schemathesis target/tools || echo "no schemathesis here, so its tests are skipped"
	scripts/get-tus-js-client target/tools || echo "no tus-js-client here, so its test is skipped"
	scripts/get-oidc-provider target/tools || echo "no oidc-provider here, so its tests are skipped"
	scripts/get-playwright target/tools || echo "no playwright-core here, so the page's tests are skipped"
	scripts/get-rollup target/tools || echo "no Rollup here, so the page's modules are not held to what is served"
	VIDEO_COMPRESSOR_TEST_ALL=1 $(CARGO) test --locked $(if $(AFTER_TEST),$(addprefix --test ,$(LEFT_OUT)))

# Files to judge; without DIR, small ones of every kind are made.
DIR ?=
# A page that is to keep what was measured, as docs/fidelity.md, and a profile other than the quick one.
TABLE ?=
PROFILE ?=
# Another ffmpeg to compress with; results are compared with the installed one.
FFMPEG ?=
# Films longer than this, in seconds, are encoded in short chunks; without it, as usual.
CHUNKS ?=
test-corpus: ## Compress every video of DIR=… and compare results with sources, independently of the program's own checks
	scripts/install-ffmpeg
	CORPUS_DIR='$(abspath $(DIR))' CORPUS_ZOO='$(if $(DIR),,1)' CORPUS_TABLE='$(abspath $(TABLE))' \
		CORPUS_PROFILE='$(PROFILE)' CORPUS_FFMPEG='$(FFMPEG)' CORPUS_CHUNKS='$(CHUNKS)' VIDEO_COMPRESSOR_TEST_ALL=1 \
		$(CARGO) test --locked --test corpus -- --nocapture --test-threads 1

# Real clips for the kill loops; without them, small ones are made.
KILL_CLIPS ?=
FAULTS := VIDEO_COMPRESSOR_FAULTS=1 KILL_CLIPS='$(if $(KILL_CLIPS),$(abspath $(KILL_CLIPS)))'
FAULT_TESTS := --test faults --test crash_points --test power_loss --test kill_loop --test hostile
faults: ## Make every fault of docs/reliability.md that fits into a quarter of an hour; needs root, Linux
	scripts/install-ffmpeg
	scripts/install-test-tools --faults
	$(FAULTS) POWER_CUTS=20 KILLS=50 KILL_LONGEST=40 $(CARGO) test --locked $(FAULT_TESTS) -- --nocapture

faults-long: ## The same with 200 power cuts for each file system and 500 kills; an hour or more
	scripts/install-ffmpeg
	scripts/install-test-tools --faults
	$(FAULTS) POWER_CUTS=200 KILLS=500 $(CARGO) test --locked $(FAULT_TESTS) -- --nocapture

HOURS ?= 1
soak: ## A user who does everything at once, for HOURS=…; needs root, Linux
	scripts/install-ffmpeg
	scripts/install-test-tools --faults
	SOAK_HOURS=$(HOURS) $(CARGO) test --locked --test soak -- --nocapture

# Executions of each target.
RUNS ?= 10000000
fuzz: ## Fuzz everything that reads bytes of others (cargo install cargo-fuzz); RUNS=… executions of each target
	cd fuzz && for target in tasks_json archive config ffprobe progress manifest http_head upload; do \
		mkdir -p corpus/$$target && \
		RUSTC_BOOTSTRAP=1 $(CARGO) fuzz run --release --sanitizer none $$target corpus/$$target seeds/$$target -- \
			-runs=$(RUNS) -max_len=65536 -timeout=5 -rss_limit_mb=1024 || exit 1; \
	done

# Where the table is kept, as docs/quality.md, and an ffmpeg that has libvmaf and xpsnr; ONLY=… takes the films whose name
# has it.
ONLY ?=
PAGE ?=
VMAF_FFMPEG ?=
quality-table: ## Measure how near results come to targets, with the clips of DIR=… (an hour)
	scripts/install-ffmpeg
	QUALITY_DIR='$(abspath $(DIR))' QUALITY_PAGE='$(abspath $(PAGE))' QUALITY_FFMPEG='$(VMAF_FFMPEG)' \
		QUALITY_ONLY='$(ONLY)' \
		$(CARGO) test --locked --test quality_table -- --nocapture

page: ## Join the page's modules as they are served, after a change in src/web/modules/; needs Node.js and npm
	tools=$$(scripts/get-rollup target/tools) && rm -rf src/web/files/joined && \
		"$$tools/node_modules/.bin/rollup" --config src/web/rollup.config.mjs --failAfterWarnings

# The end of a path of CLIPS whose pictures are compared; without it, any.
COMPARE ?=
pictures: ## Take the README's pictures anew, of the page at work on the films of CLIPS=folder
	scripts/install-ffmpeg
	scripts/install-test-tools
	scripts/get-playwright target/tools
	PICTURES_CLIPS='$(abspath $(CLIPS))' PICTURES_COMPARE='$(COMPARE)' VIDEO_COMPRESSOR_TEST_ALL=1 \
		$(CARGO) test --locked --test page pictures_for_the_readme -- --nocapture

lint: ## Formatting, clippy, and cargo-deny where it is installed
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	@if command -v cargo-deny >/dev/null 2>&1; then $(CARGO) deny check bans licenses sources; \
	else echo "cargo-deny is not installed, so licences and bans are not checked (cargo install --locked cargo-deny)"; fi

# A folder with real videos.
CLIPS ?=
bench: ## Measure speed and weight; with CLIPS=folder also the engine, which takes hours (BENCH_ONLY=backlog480,long480)
	CLIPS='$(if $(CLIPS),$(abspath $(CLIPS)))' $(CARGO) bench --locked --bench service

curve: ## Measure how fast encodes are on 1 to 4 cores, for the simulation; needs CLIPS=folder, a quiet machine and hours
	CURVE_CLIPS='$(abspath $(CLIPS))' $(CARGO) bench --locked --bench curve

install: build ## Install under PREFIX (default /usr/local); DESTDIR stages
	install -d '$(DESTDIR)$(BINDIR)' '$(DESTDIR)$(MAN)' '$(DESTDIR)$(DOC)' \
		'$(DESTDIR)$(BASH_COMPLETIONS)' '$(DESTDIR)$(ZSH_COMPLETIONS)' '$(DESTDIR)$(FISH_COMPLETIONS)'
	install -m 755 $(BINARY) '$(DESTDIR)$(BINDIR)/video-compressor'
	$(BINARY) man --out '$(DESTDIR)$(MAN)'
	$(BINARY) completions bash > '$(DESTDIR)$(BASH_COMPLETIONS)/video-compressor'
	$(BINARY) completions zsh > '$(DESTDIR)$(ZSH_COMPLETIONS)/_video-compressor'
	$(BINARY) completions fish > '$(DESTDIR)$(FISH_COMPLETIONS)/video-compressor.fish'
	install -m 644 LICENSE $(CONFIG) '$(DESTDIR)$(DOC)'
ifeq ($(shell uname -s),Darwin)
	$(WITH_BINDIR) packaging/launchd/video-compressor.plist > '$(DESTDIR)$(DOC)/video-compressor.plist'
	$(WITH_BINDIR) packaging/launchd/video-compressor-daemon.plist > '$(DESTDIR)$(DOC)/video-compressor-daemon.plist'
else
	install -d '$(DESTDIR)$(UNITS)/system' '$(DESTDIR)$(UNITS)/user' '$(DESTDIR)$(SYSUSERS)'
	$(WITH_BINDIR) packaging/systemd/video-compressor.service > '$(DESTDIR)$(UNITS)/system/video-compressor.service'
	$(WITH_BINDIR) packaging/systemd/video-compressor-user.service > '$(DESTDIR)$(UNITS)/user/video-compressor.service'
	install -m 644 packaging/systemd/video-compressor.sysusers.conf \
		'$(DESTDIR)$(SYSUSERS)/video-compressor.conf'
endif

uninstall: ## Remove what `make install` put there; data and settings stay
	rm -f '$(DESTDIR)$(BINDIR)/video-compressor' '$(DESTDIR)$(MAN)'/video-compressor.1 \
		'$(DESTDIR)$(MAN)'/video-compressor-*.1 '$(DESTDIR)$(BASH_COMPLETIONS)/video-compressor' '$(DESTDIR)$(ZSH_COMPLETIONS)/_video-compressor' \
		'$(DESTDIR)$(FISH_COMPLETIONS)/video-compressor.fish' '$(DESTDIR)$(UNITS)/system/video-compressor.service' \
		'$(DESTDIR)$(UNITS)/user/video-compressor.service' \
		'$(DESTDIR)$(SYSUSERS)/video-compressor.conf'
	rm -rf '$(DESTDIR)$(DOC)'

clean: ## Remove everything that was built
	$(CARGO) clean
