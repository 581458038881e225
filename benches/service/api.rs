//! What the API costs: pages of a long list, and open event streams.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

use super::{
    Outcome,
    load::Load,
    rounds::{Figure, Limit, Round, Row, Sample, USUAL_FOREIGN_SHARE},
    service::{Cores, Root, Service},
    table::middle,
};

pub const TASKS: usize = 100_000;
const REQUESTS: usize = 50;
const STREAMS: usize = 200;
/// Over which streams are watched.
const WATCHED: Duration = Duration::from_secs(30);
/// An administrator that every service here has.
pub const USER: &str = "bench";
pub const PASSWORD: &str = "a long enough password";
/// After a start and after the streams were opened everything is at rest by then.
const TO_REST: Duration = Duration::from_secs(8);

pub const LIST: Row = Row {
    name: "list",
    figures: &[
        Figure {
            title: "page of 100 of 100,000 tasks, newest first",
            unit: "ms",
            limit: Some(Limit::Below(50.0)),
            rival: "reading tasks.json",
        },
        Figure {
            title: "  of 500, by path, from the middle on",
            unit: "ms",
            limit: Some(Limit::Below(50.0)),
            rival: "",
        },
        Figure {
            title: "  of 100, as they are begun, from the middle on",
            unit: "ms",
            limit: Some(Limit::Below(50.0)),
            rival: "",
        },
        Figure {
            title: "  of 100 found by a part of the path",
            unit: "ms",
            limit: Some(Limit::Below(50.0)),
            rival: "",
        },
    ],
    rounds: 3,
    foreign_share_limit: USUAL_FOREIGN_SHARE,
    round: list_round,
};

pub const STREAMS_ROW: Row = Row {
    name: "streams",
    figures: &[
        Figure {
            title: "200 open event streams beside 100,000 tasks, CPU",
            unit: "% of a core",
            limit: Some(Limit::Below(5.0)),
            rival: "the same without streams",
        },
        Figure {
            title: "  resident memory for them",
            unit: "MB",
            limit: Some(Limit::Below(64.0)),
            rival: "",
        },
        Figure {
            title: "  beside one task that changes each second, CPU",
            unit: "% of a core",
            limit: Some(Limit::Below(5.0)),
            rival: "the same without streams",
        },
    ],
    rounds: 3,
    foreign_share_limit: USUAL_FOREIGN_SHARE,
    round: streams_round,
};

/// A service whose API answers, and a key for it.
pub struct Api {
    pub service: Service,
    pub address: String,
    pub key: String,
}

impl Api {
    pub fn start(root: &Root, settings: &[&str]) -> Outcome<Self> {
        root.command_with(
            &["user", "add", USER, "--role", "admin"],
            &format!("{PASSWORD}\n"),
        )?;
        let key = root.command(&["key", "add", "bench", "--user", USER, "--role", "admin"])?;
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
        let listen = format!("http.listen={address}");
        let settings = [&["http.enabled=true", &listen], settings].concat();
        Ok(Self {
            service: Service::start(root, Cores::All, &settings)?,
            address,
            key: key.trim().to_owned(),
        })
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}/api/v1{path}", self.address)
    }

    fn get(&self, path: &str) -> Outcome<String> {
        let request = ureq::get(self.url(path)).header("Authorization", format!("Bearer {}", self.key));
        Ok(request
            .call()?
            .body_mut()
            .with_config()
            .limit(u64::MAX)
            .read_to_string()?)
    }

    fn set_priority(&self, id: &str, priority: usize) -> Outcome<()> {
        ureq::patch(self.url(&format!("/tasks/{id}")))
            .header("Authorization", format!("Bearer {}", self.key))
            .content_type("application/json")
            .send(format!(r#"{{"priority":{priority}}}"#))?;
        Ok(())
    }

    /// An event stream, of which the head of the answer has been read.
    fn stream(&self) -> Outcome<TcpStream> {
        let mut stream = TcpStream::connect(&self.address)?;
        let (address, key) = (&self.address, &self.key);
        write!(
            stream,
            "GET /api/v1/events HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {key}\r\n\r\n"
        )?;
        let mut line = String::new();
        BufReader::new(&stream).read_line(&mut line)?;
        match line.contains(" 200 ") {
            true => Ok(stream),
            false => Err(line.into()),
        }
    }

    /// The middle of many requests, in milliseconds.
    fn milliseconds(&self, path: &str) -> Outcome<f64> {
        let mut times = Vec::new();
        for _ in 0..REQUESTS {
            let began = Instant::now();
            self.get(path)?;
            times.push(began.elapsed().as_secs_f64() * 1e3);
        }
        times.sort_by(f64::total_cmp);
        Ok(middle(&times))
    }

    /// CPU of the service over a while in which one task changes each second, if one is named.
    fn cpu_percent(&self, changing: Option<&str>) -> Outcome<f64> {
        let (before, _) = self.service.cpu_seconds()?;
        let began = Instant::now();
        while began.elapsed() < WATCHED {
            thread::sleep(Duration::from_secs(1));
            if let Some(id) = changing {
                self.set_priority(id, began.elapsed().as_secs() as usize)?;
            }
        }
        let (after, _) = self.service.cpu_seconds()?;
        Ok((after - before) / began.elapsed().as_secs_f64() * 100.0)
    }
}

/// A queue of so many tasks of all kinds, in which nothing is begun or archived.
pub fn filled(tasks: usize) -> Outcome<(Root, Api)> {
    let root = Root::new()?;
    let rows: Vec<String> = (0..tasks).map(row).collect();
    fs::write(
        root.conf().join("tasks.json"),
        format!("[\n{}\n]\n", rows.join(",\n")),
    )?;
    root.command(&["pause"])?;
    let keep = ["rotation_cap=1000000", "rotation_threshold=1000000"];
    let api = Api::start(&root, &keep)?;
    thread::sleep(TO_REST);
    Ok((root, api))
}

fn row(number: usize) -> String {
    let status = ["queued", "processed", "skipped", "failed"][number % 4];
    let path = format!(
        "720/Series {}/Season 01/Episode {number:06} - A Title.mkv",
        number / 200
    );
    let minute = number / 60 % 60;
    let second = number % 60;
    format!(
        r#"{{"id":"{number:013}","path":"{path}","hash":"{number:032x}","resolution":"720","status":"{status}","priority":{},"added_time":"2026-01-01T00:{minute:02}:{second:02}.123Z","start_time":null,"end_time":null,"file_size_before":{},"file_size_after":null,"time_taken_seconds":null}}"#,
        number % 10,
        number * 1000,
    )
}

fn list_round() -> Outcome<Round> {
    let (root, api) = filled(TASKS)?;
    let load = Load::now();
    let began = Instant::now();
    let text = fs::read(root.conf().join("tasks.json"))?;
    let tasks: Vec<serde_json::Value> = serde_json::from_slice(&text)?;
    std::hint::black_box(tasks);
    let rival = began.elapsed().as_secs_f64() * 1e3;
    let first = api.milliseconds("/tasks")?;
    let middle_cursor = {
        let mut cursor = String::new();
        for _ in 0..20 {
            let page: serde_json::Value =
                serde_json::from_str(&api.get(&format!("/tasks?sort=path&limit=500{cursor}"))?)?;
            cursor = format!(
                "&cursor={}",
                page["next"].as_str().ok_or("the list is too short")?
            );
        }
        cursor
    };
    let by_path = api.milliseconds(&format!("/tasks?sort=path&limit=500{middle_cursor}"))?;
    let in_turn = api.milliseconds("/tasks?sort=turn&status=queued&offset=12500")?;
    let found = api.milliseconds("/tasks?q=series%20123&sort=-size")?;
    let alone = |value| Sample { value, rival: None };
    Ok(Round {
        samples: vec![
            Sample {
                value: first,
                rival: Some(rival),
            },
            alone(by_path),
            alone(in_turn),
            alone(found),
        ],
        foreign_share: load.foreign_share_since(),
    })
}

fn streams_round() -> Outcome<Round> {
    let (_root, api) = filled(TASKS)?;
    let (_small_root, small) = filled(1)?;
    let changing = format!("{:013}", 0);
    let load = Load::now();
    let without = api.cpu_percent(None)?;
    let without_changing = small.cpu_percent(Some(&changing))?;
    let before_mb = api.service.resident_mb()?;
    let open = |api: &Api| (0..STREAMS).map(|_| api.stream()).collect::<Outcome<Vec<_>>>();
    let (streams, more) = (open(&api)?, open(&small)?);
    thread::sleep(TO_REST);
    let with = api.cpu_percent(None)?;
    let with_changing = small.cpu_percent(Some(&changing))?;
    let after_mb = api.service.resident_mb()?;
    drop((streams, more));
    Ok(Round {
        samples: vec![
            Sample {
                value: with,
                rival: Some(without),
            },
            Sample {
                value: after_mb - before_mb,
                rival: None,
            },
            Sample {
                value: with_changing,
                rival: Some(without_changing),
            },
        ],
        foreign_share: load.foreign_share_since(),
    })
}
