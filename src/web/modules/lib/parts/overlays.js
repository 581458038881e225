// What comes over the page: dialogs, menus, and short messages.
// Promises: Escape closes; focus goes in, stays in, and comes back to where it was; messages are told politely.
// Never in here: what is done by them.

import { sentence } from "../format.js";
import { html, useEffect, useLayoutEffect, useRef, useStore } from "../html.js";
import { Icon } from "../icons.js";
import { createStore } from "../store.js";
import { closeToast, toasts } from "../toasts.js";
import { Button, IconButton, useId } from "./controls.js";

/**
 * A dialog while `open`. No Menu inside: menus are below dialogs. `actions`: its buttons; `wide`: for tables and forms
 * of two columns.
 */
export const Dialog = ({ title, open, onClose, actions, wide = false, children }) => {
  const dialog = useRef(null);
  const id = useId();
  useLayoutEffect(() => {
    if (!open) return undefined;
    const from = document.activeElement;
    dialog.current.showModal();
    return () => from?.focus?.({ preventScroll: true });
  }, [open]);
  const clicked = (event) => event.target === dialog.current && onClose();
  const cancelled = (event) => {
    event.preventDefault();
    onClose();
  };
  if (!open) return null;
  return html`
    <dialog ref=${dialog} class=${wide ? "wide" : ""} aria-labelledby="${id}-title"
      onCancel=${cancelled} onMouseDown=${clicked}>
      <div class="dialog">
        <header>
          <h2 id="${id}-title">${title}</h2>
          <${IconButton} icon="cancel" label="Close" onClick=${() => onClose()} />
        </header>
        <div class="dialog-body">${children}</div>
        ${actions && html`<footer>${actions}</footer>`}
      </div>
    </dialog>
  `;
};

const question = createStore(null);

/** Asks before something that cannot be undone; true: yes. `action` is the button's text, as "Cancel 12 tasks". */
export const confirm = ({ title, text, action, tone = "danger" }) =>
  new Promise((resolve) => question.set({ title, text, action, tone, resolve }));

/** Where `confirm` asks; app.js has the one. */
export const Confirmation = () => {
  const asked = useStore(question);
  const answer = (isYes) => {
    question.set(null);
    asked.resolve(isYes);
  };
  if (!asked) return null;
  const actions = html`
    <${Button} onClick=${() => answer(false)}>Keep as it is<//>
    <${Button} tone=${asked.tone} class="filled" onClick=${() => answer(true)}>${asked.action}<//>
  `;
  return html`
    <${Dialog} open title=${asked.title} onClose=${() => answer(false)} actions=${actions}><p>${asked.text}</p><//>
  `;
};

const menu = createStore(null);
const EDGE_PX = 8;

/**
 * Opens a menu at an element or at the place of a pointer's event. `items`: [{text, icon, onSelect, tone, disabled,
 * hint} or null for a line]. `onSelect` may answer with a promise; its failure is shown.
 */
export const openMenu = (where, items) => {
  const isEvent = where instanceof Event;
  const element = isEvent ? (where.currentTarget ?? where.target) : where;
  const box = element.getBoundingClientRect();
  const isPointer = isEvent && where.type === "contextmenu" && (where.clientX > 0 || where.clientY > 0);
  const at = isPointer
    ? { x: where.clientX, y: where.clientY, top: where.clientY }
    : { x: box.left, y: box.bottom, top: box.top };
  if (isEvent) where.preventDefault();
  menu.set({ at, items: items.filter((item) => item !== false && item !== undefined), from: document.activeElement });
};

/** A button with a menu. `icon` and `label`, or `children` as its text. `items`: a list, or what answers with one. */
export const Menu = ({ label, icon = "more", items, tone = "quiet", children, ...rest }) => {
  const open = (event) => openMenu(event.currentTarget, typeof items === "function" ? items() : items);
  if (children)
    return html`<${Button} tone=${tone} icon=${icon} aria-haspopup="menu" onClick=${open} ...${rest}>${children}<//>`;
  return html`<${IconButton} icon=${icon} label=${label} aria-haspopup="menu" onClick=${open} ...${rest} />`;
};

/** Where menus are; Toasts brings it along. */
const OpenMenu = () => {
  const opened = useStore(menu);
  const list = useRef(null);
  useLayoutEffect(() => {
    if (!opened) return undefined;
    const { width, height } = list.current.getBoundingClientRect();
    const { x, y, top } = opened.at;
    const fitsBelow = y + height + EDGE_PX <= innerHeight;
    list.current.style.left = `${Math.max(EDGE_PX, Math.min(x, innerWidth - width - EDGE_PX))}px`;
    list.current.style.top = `${Math.max(EDGE_PX, fitsBelow ? y : Math.min(top, innerHeight - EDGE_PX) - height)}px`;
    list.current.querySelector("button:not(:disabled)")?.focus();
    const close = () => menu.set(null);
    window.addEventListener("resize", close);
    window.addEventListener("popstate", close);
    return () => {
      window.removeEventListener("resize", close);
      window.removeEventListener("popstate", close);
    };
  }, [opened]);
  if (!opened) return null;
  const close = () => {
    menu.set(null);
    opened.from?.focus?.({ preventScroll: true });
  };
  const select = async (item) => {
    close();
    try {
      await item.onSelect();
    } catch (problem) {
      toast(sentence(problem.message), { tone: "failed" });
    }
  };
  const press = (event) => {
    const buttons = [...list.current.querySelectorAll("button:not(:disabled)")];
    const index = buttons.indexOf(document.activeElement);
    const to = { ArrowDown: index + 1, ArrowUp: index - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (to !== undefined) buttons.at(to % buttons.length)?.focus();
    else if (event.key === "Escape" || event.key === "Tab") close();
    else {
      const key = event.key.toLowerCase();
      const fitting = (button) => button.textContent.trim().toLowerCase().startsWith(key);
      const next = key.length === 1 && [...buttons.slice(index + 1), ...buttons].find(fitting);
      if (!next) return;
      next.focus();
    }
    event.preventDefault();
    event.stopPropagation();
  };
  const outside = (event) => event.target === event.currentTarget && close();
  return html`
    <div class="menu-layer" onMouseDown=${outside} onContextMenu=${(event) => {
      event.preventDefault();
      close();
    }}>
      <div class="menu" role="menu" ref=${list} onKeyDown=${press}>
        ${opened.items.map((item, index) =>
          item === null
            ? html`<hr key=${index} />`
            : html`
            <button key=${index} type="button" role="menuitem" class=${item.tone ?? ""} disabled=${item.disabled}
              onClick=${() => select(item)}>
              ${item.icon ? html`<${Icon} name=${item.icon} />` : html`<span class="menu-blank"></span>`}
              <span>${item.text}</span>${item.hint && html`<kbd>${item.hint}</kbd>`}
            </button>
          `,
        )}
      </div>
    </div>
  `;
};

const TOAST_MS = 6000;

const Toast = ({ id, text, tone, undo }) => {
  const timer = useRef(null);
  const wait = () => {
    clearTimeout(timer.current);
    if (tone !== "failed") timer.current = setTimeout(() => closeToast(id), TOAST_MS);
  };
  useEffect(() => {
    wait();
    return () => clearTimeout(timer.current);
  }, [id]);
  const hold = () => clearTimeout(timer.current);
  const takeBack = async () => {
    await undo();
    closeToast(id);
  };
  return html`
    <div class="toast ${tone}" onMouseEnter=${hold} onMouseLeave=${wait} onfocusin=${hold} onfocusout=${wait}>
      <span>${text}</span>
      ${undo && html`<${Button} tone="quiet" onClick=${takeBack}>Undo<//>`}
      <${IconButton} icon="cancel" label="Close the message" onClick=${() => closeToast(id)} />
    </div>
  `;
};

/** Where messages and menus are; app.js has the one. A new message comes above a dialog that is open. */
export const Toasts = () => {
  const shown = useStore(toasts);
  const list = useRef(null);
  // After the paint: it makes the browser count all styles anew.
  useEffect(() => {
    const { current } = list;
    // Browsers of 2023 that have no popovers show messages below dialogs.
    if (!current.showPopover) return;
    if (current.matches(":popover-open")) current.hidePopover();
    current.showPopover();
  }, [shown]);
  return html`
    <div class="toasts" role="status" aria-live="polite" popover="manual" ref=${list}>
      ${shown.map((one) => html`<${Toast} key=${one.id} ...${one} />`)}
    </div>
    <${OpenMenu} />
  `;
};
