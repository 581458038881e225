// The settings of alerts by the way that they take.
// Never in here: fields, requests.

const GENERAL = ["ntfy_events", "include_names", "ntfy_gather_seconds", "ntfy_progress_seconds", "silence_hours"];

const CHANNELS = [
  {
    what: "ntfy",
    title: "ntfy",
    lead: "On a phone, by the app of ntfy. The topic is both address and password.",
    has: (key) => key.startsWith("ntfy_"),
    needs: "ntfy_topic",
  },
  {
    what: "email",
    title: "E-mail",
    lead: "By a mail server of yours.",
    has: (key) => key.startsWith("email_"),
    needs: "email_server",
  },
  {
    what: "webhook",
    title: "Webhooks",
    lead: "As JSON to other programs.",
    has: (key) => key.startsWith("webhook_"),
    needs: "webhook_urls",
  },
];

/**
 * The rows of alerts: what is told, and then by channel.
 * @typedef {{what: string, title: string, lead: string, isOn: boolean, rows: object[]}} Channel
 * @returns {{general: object[], channels: Channel[]}}
 */
export function alertParts(rows) {
  const alerts = rows.filter((row) => row.heading.startsWith("Alerts"));
  const channels = CHANNELS.map(({ has, needs, ...channel }) => {
    const own = alerts.filter((row) => has(row.key) && !GENERAL.includes(row.key));
    return { ...channel, isOn: own.some((row) => row.key === needs && row.value.length > 0), rows: own };
  });
  const ofChannels = channels.flatMap((channel) => channel.rows);
  return { general: alerts.filter((row) => !ofChannels.includes(row)), channels };
}

/** 230 as "230 ms", 5200 as "5.2 s". */
export function tookInWords(tookMs) {
  return tookMs < 1000 ? `${Math.round(tookMs)}\u00a0ms` : `${(tookMs / 1000).toFixed(1)}\u00a0s`;
}
