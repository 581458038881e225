// What all views are made of. Each part says its properties where it is; style/controls.css, parts.css and overlays.css
// have their look.
// Never in here: parts of a single view.

export { Button, Check, Field, IconButton, Select, Switch, Tabs } from "./parts/controls.js";
export { Bar, Film, Meter, Thumbnail } from "./parts/film.js";
export { confirm, Confirmation, Dialog, Menu, openMenu, Toasts } from "./parts/overlays.js";
export { Bytes, Empty, Failure, Heading, Name, Notice, Panel, Skeleton, Status, Time } from "./parts/states.js";
export { Icon } from "./icons.js";
export { Link } from "./route.js";
export { toast } from "./toasts.js";
