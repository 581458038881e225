import { useStyle, useStore, sending, useRoute, J, Link, Icon, fe, G, currentRoute, handOver, go, REMEMBERED, percent, duration, bytes } from './app.js';
import { hasFiles, dropped } from './files.js';

// What the frame around all views shows of files that are sent: a line, and a place to drop them anywhere.
//
// Promises: small; what sends is loaded only when there is something to send.
// Never in here: requests.


const hasRemembered = () => {
  try {
    return Object.keys(localStorage).some((key) => key.startsWith(REMEMBERED));
  } catch {
    return false;
  }
};

/** What is going on with the files, in a few words: `{title, detail}`. */
const inWords = ({ files, doneFiles, sentBytes, totalBytes, secondsLeft, state }) => {
  const part = totalBytes > 0 ? percent((sentBytes / totalBytes) * 100) : "";
  switch (state) {
    case "lost":
      return { title: "Connection lost", detail: `${part} sent, goes on by itself` };
    case "paused":
      return { title: "Sending is paused", detail: `${part} of ${bytes(totalBytes)}` };
    case "asks":
      return { title: "A file has to be decided", detail: `${doneFiles} of ${files} sent` };
    case "unfinished":
      return { title: "Unfinished uploads", detail: "choose the files again" };
    default: {
      const left = secondsLeft === null ? "" : `, ${duration(secondsLeft)} left`;
      return { title: `Sending, ${doneFiles} of ${files} done`, detail: `${part}${left}` };
    }
  }
};

/** One line about the files that are sent, which leads to them; nothing when none are. */
const SendingLine = () => {
  useStyle("sending");
  const all = useStore(sending);
  const { path } = useRoute();
  J(() => {
    if (hasRemembered()) import('./sender.js').then(function (n) { return n.sender; });
  }, []);
  if (all.state === "idle" || path === "/add") return null;
  const { title, detail } = inWords(all);
  return fe`
    <${Link} class="sending-line" href="/add">
      <${Icon} name=${all.state === "sending" ? "add" : "alert"} />
      <span><span class="sending-title">${title}</span><span class="sending-detail">${detail}</span></span>
    <//>
  `;
};

/** Files that are dropped anywhere in the window go to the view Add. */
const WindowDrop = () => {
  useStyle("sending");
  const [isOver, setIsOver] = G(false);
  J(() => {
    const ended = new AbortController();
    const listen = (name, use) =>
      window.addEventListener(
        name,
        (event) => {
          if (hasFiles(event.dataTransfer)) use(event);
        },
        { signal: ended.signal },
      );
    listen("dragenter", () => setIsOver(true));
    listen("dragover", (event) => {
      event.preventDefault();
      event.dataTransfer.dropEffect = "copy";
    });
    // It leaves each element on its way; only the window has nothing around it.
    listen("dragleave", (event) => event.relatedTarget === null && setIsOver(false));
    listen("drop", (event) => {
      event.preventDefault();
      setIsOver(false);
      const isThere = currentRoute().path === "/add";
      handOver({ found: dropped(event.dataTransfer), isChosenHere: isThere });
      if (!isThere) go("/add");
    });
    return () => ended.abort();
  }, []);
  if (!isOver) return null;
  return fe`
    <div class="window-drop" aria-hidden="true">
      <div><${Icon} name="add" size=${32} /><p>Drop files or folders to add them</p></div>
    </div>
  `;
};

export { SendingLine, WindowDrop };
