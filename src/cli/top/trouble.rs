//! What is wrong, in words. Pure.

use super::picture::{Trouble, Weight};
use crate::{cli::status::Present, service::TroubleKind};

impl Trouble {
    /// Everything that is wrong: what the service tells, or that there is none.
    #[must_use]
    pub fn of(present: &Present) -> Vec<Self> {
        let absent = present.pid.is_none().then(|| Self {
            weight: Weight::Grave,
            message: "The service is not running; nothing is encoded.".into(),
            way_out: "`video-compressor run` starts it; with systemd: `systemctl start video-compressor`."
                .into(),
            since: None,
        });
        let told = present.live.iter().flat_map(|live| &live.troubles);
        let told = told.map(|trouble| Self {
            weight: weight(trouble.kind),
            message: trouble.message.clone(),
            way_out: trouble.way_out.clone(),
            since: Some(trouble.since),
        });
        absent.into_iter().chain(told).collect()
    }
}

fn weight(kind: TroubleKind) -> Weight {
    match kind {
        TroubleKind::SweepOnly
        | TroubleKind::AlertsStuck
        | TroubleKind::SettingsMistake
        | TroubleKind::NoTls => Weight::Mild,
        TroubleKind::FolderUnavailable
        | TroubleKind::NoSpace
        | TroubleKind::EncoderMissing
        | TroubleKind::QueueNotWritten
        | TroubleKind::EncodeStalled => Weight::Grave,
    }
}
