// A button that copies a text.
// Promises: it works without TLS as well, where browsers keep the clipboard from pages; it says that it has copied.
// Never in here: what is copied.

import { html, useEffect, useState } from "../../lib/html.js";
import { Button, toast } from "../../lib/parts.js";

const SHOWN_MS = 2000;

const copyText = async (text) => {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "copied";
  // Beside a dialog that is open, nothing can be selected but in it.
  (document.querySelector("dialog[open]") ?? document.body).append(area);
  area.select();
  const isCopied = document.execCommand("copy");
  area.remove();
  if (!isCopied) throw new Error("The browser does not let this page copy. Select the text and copy it by hand.");
  return undefined;
};

/** `text` or what answers with it; `children` is the button's text. */
export const CopyButton = ({ text, children = "Copy", ...rest }) => {
  const [isCopied, setIsCopied] = useState(false);
  useEffect(() => {
    if (!isCopied) return undefined;
    const timer = setTimeout(() => setIsCopied(false), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [isCopied]);
  const copy = async () => {
    try {
      await copyText(typeof text === "function" ? text() : text);
      setIsCopied(true);
    } catch (error) {
      toast(error.message, { tone: "failed" });
    }
  };
  return html`
    <${Button} icon=${isCopied ? "check" : "copy"} onClick=${copy} ...${rest}>${children}<//>
    <span class="visually-hidden" role="status">${isCopied ? "Copied" : ""}</span>
  `;
};
