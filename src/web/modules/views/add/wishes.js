// What is wanted of files that are added: folder, profile, priority.
//
// Never in here: files.

import { html } from "../../lib/html.js";
import { Select } from "../../lib/parts.js";

const KEY = "wish";
const USUAL = 720;

const PRIORITIES = [
  { value: "10", text: "High: before all others" },
  { value: "0", text: "Normal" },
  { value: "-10", text: "Low: when nothing else waits" },
];

const lastWish = () => {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? {};
  } catch {
    return {};
  }
};

/** Where and how files went last time, as far as that is still there to choose. */
export const firstWish = ({ resolutions, profiles }) => {
  const last = lastWish();
  const heights = resolutions.map(({ height }) => height);
  const usual = heights.includes(USUAL) ? USUAL : (heights[0] ?? USUAL);
  return {
    resolution: heights.includes(last.resolution) ? last.resolution : usual,
    profile: profiles.some(({ name }) => name === last.profile) ? last.profile : null,
    priority: 0,
  };
};

export const keepWish = ({ resolution, profile }) => {
  try {
    localStorage.setItem(KEY, JSON.stringify({ resolution, profile }));
  } catch {
    // Then the usual ones are chosen next time.
  }
};

/** `wish`: {resolution, profile (null: that of the folder), priority}. */
export const Wishes = ({ choices, wish, onChange }) => {
  const folder = choices.resolutions.find(({ height }) => height === wish.resolution);
  const heights = choices.resolutions.map(({ height }) => ({ value: String(height), text: `${height}p` }));
  const profiles = [
    { value: "", text: `${folder?.profile ?? choices.default_profile}, that of the folder` },
    ...choices.profiles.map(({ name }) => ({ value: name, text: name })),
  ];
  const profile = choices.profiles.find(({ name }) => name === (wish.profile ?? folder?.profile));
  return html`
    <div class="wishes">
      <${Select} label="Resolution" options=${heights} value=${String(wish.resolution)}
        onChange=${(value) => onChange({ ...wish, resolution: Number(value) })} />
      <${Select} label="Profile" options=${profiles} value=${wish.profile ?? ""} hint=${profile?.summary}
        onChange=${(value) => onChange({ ...wish, profile: value || null })} />
      <${Select} label="Priority" options=${PRIORITIES} value=${String(wish.priority)}
        onChange=${(value) => onChange({ ...wish, priority: Number(value) })} />
    </div>
  `;
};
