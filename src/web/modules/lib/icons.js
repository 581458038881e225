// The few pictures of the page: 20 px, a line of 1.5 px, in the colour of the text around.
// Promises: they are hidden from screen readers; a text or a label says what they mean.
// Never in here: meaning without a name.

import { html } from "./html.js";

const PATHS = {
  now: "M2.5 10h3l2-5.5 4 11 2.5-5.5h3.5",
  queue: "M3 5h14M3 10h14M3 15h9",
  history: "M4 4v4h4M4.3 8A6.5 6.5 0 1 1 3.6 11.5M10 6.5V10l2.5 2",
  add: "M10 13V3.5M6 7.5l4-4 4 4M3.5 13v3.5h13V13",
  settings: "M3 6h7M14 6h3M3 14h3M10 14h7M12 4v4M8 12v4",
  user: "M10 10a3.25 3.25 0 1 0 0-6.5 3.25 3.25 0 0 0 0 6.5ZM3.5 17c.8-3.2 3.4-4.5 6.5-4.5s5.7 1.3 6.5 4.5",
  logout: "M12 3.5h4.5v13H12M8.5 6.5 5 10l3.5 3.5M5 10h8",
  help: "M10 17.5a7.5 7.5 0 1 0 0-15 7.5 7.5 0 0 0 0 15ZM7.8 7.8c.2-2.7 4.6-2.6 4.5.1 0 1.6-2.2 1.8-2.3 3.4M10 14v.3",
  pause: "M6.5 4.5v11M13.5 4.5v11",
  play: "M6 4v12l9.5-6L6 4Z",
  freeze: "M10 2.5v15M3.5 6.2l13 7.6M16.5 6.2l-13 7.6M8 3.5l2 2 2-2M8 16.5l2-2 2 2",
  cancel: "M5 5l10 10M15 5 5 15",
  retry: "M16 4v4h-4M15.7 8A6.5 6.5 0 1 0 16.4 11.5",
  more: "M4.5 10h.01M10 10h.01M15.5 10h.01",
  up: "M5 12l5-5 5 5",
  down: "M5 8l5 5 5-5",
  left: "M12 5l-5 5 5 5",
  right: "M8 5l5 5-5 5",
  top: "M4 4h12M10 16V7M6 11l4-4 4 4",
  bottom: "M4 16h12M10 4v9M6 9l4 4 4-4",
  search: "M9 15a6 6 0 1 0 0-12 6 6 0 0 0 0 12ZM13.5 13.5l4 4",
  filter: "M3 5h14l-5.5 6v5l-3-1.5V11L3 5Z",
  sort: "M6 4v12M3 13l3 3 3-3M14 16V4M11 7l3-3 3 3",
  download: "M10 3.5V13M6 9l4 4 4-4M3.5 16.5h13",
  check: "M4 10.5 8 14.5 16 6",
  alert: "M10 3 2.5 16.5h15L10 3ZM10 8v4M10 14.3v.2",
  info: "M10 17.5a7.5 7.5 0 1 0 0-15 7.5 7.5 0 0 0 0 15ZM10 9v5M10 6.3v.2",
  film: "M3 4.5h14v11H3zM6.5 4.5v11M13.5 4.5v11M3 8h3.5M3 12h3.5M13.5 8H17M13.5 12H17",
  folder: "M2.5 5.5h5l1.5 2h8.5v8.5h-15z",
  file: "M5 2.5h6.5L15 6v11.5H5zM11 2.5V6.5h4",
  edit: "M4 16l.7-3L13 4.7l2.3 2.3L7 15.3 4 16Z",
  trash: "M4 5.5h12M8 5.5V3.5h4v2M5.5 5.5l.7 11h7.6l.7-11",
  copy: "M7 7h9.5v9.5H7zM4 13H3.5V3.5H13V4",
  grip: "M7.5 5h.01M7.5 10h.01M7.5 15h.01M12.5 5h.01M12.5 10h.01M12.5 15h.01",
  key: "M12.5 10.5a4 4 0 1 0-3.8-2.7L3 13.5V17h3v-2h2v-2h1.2l1.3-1.8a4 4 0 0 0 2 .3ZM13.5 6.5v.01",
  eye: "M2 10c3-6.5 13-6.5 16 0-3 6.5-13 6.5-16 0ZM10 12.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5Z",
  sun:
    "M10 13.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7ZM10 2v1.5M10 16.5V18M2 10h1.5M16.5 10H18M4.3 4.3l1.1 1.1" +
    "M14.6 14.6l1.1 1.1M15.7 4.3l-1.1 1.1M5.4 14.6l-1.1 1.1",
  moon: "M16.5 12A7 7 0 0 1 8 3.5a7 7 0 1 0 8.5 8.5Z",
  system: "M2.5 4h15v9.5h-15zM7 17h6M10 13.5V17",
  plus: "M10 4v12M4 10h12",
  bell: "M5 13.5V9a5 5 0 0 1 10 0v4.5l1 1.5H4l1-1.5ZM8.5 17.5h3",
  external: "M11.5 3.5h5v5M16.5 3.5 9.5 10.5M14 12v4.5H3.5V6H8",
};

export const ICONS = Object.keys(PATHS);

/** Made of dots, which a thin line would not show. */
const DOTTED = ["more", "grip"];

/** A picture by its name in ICONS; `size` in px. */
export const Icon = ({ name, size = 20 }) => html`
  <svg class="icon" width=${size} height=${size} viewBox="0 0 20 20" fill="none" stroke="currentColor"
    stroke-width=${DOTTED.includes(name) ? 2.5 : 1.5} stroke-linecap="round" stroke-linejoin="round"
    aria-hidden="true" focusable="false">
    <path d=${PATHS[name]} />
  </svg>
`;
