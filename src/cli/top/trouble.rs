//! What is wrong, in words. Pure.

use super::picture::Trouble;
use crate::cli::status::Present;

impl Trouble {
    /// Everything that is wrong: what the service tells, or that there is none.
    #[must_use]
    pub fn of(present: &Present) -> Vec<Self> {
        let absent = present.pid.is_none().then(|| Self {
            message: "The service is not running; nothing is encoded.".into(),
            way_out: "`video-compressor run` starts it; with systemd: `systemctl start video-compressor`."
                .into(),
            since: None,
        });
        let told = present.live.iter().flat_map(|live| &live.troubles);
        let told = told.map(|trouble| Self {
            message: trouble.message.clone(),
            way_out: trouble.way_out.clone(),
            since: Some(trouble.since),
        });
        absent.into_iter().chain(told).collect()
    }
}
