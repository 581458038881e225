//! What is inside a media file: container, streams, times, colour, HDR, rotation.
//!
//! Promises: plain values; times are seconds from the file's own zero, sizes are pixels as stored unless a name says
//! "displayed"; what a file does not say is `None`, never a guess.
//! Never in here: file system, children, ffprobe's wire format, or any decision about what to do with a file.

use std::{collections::BTreeMap, ffi::OsString, fmt, path::Path};

/// Demuxers of real containers for the extensions we watch. Playlists and scripts (HLS, concat, DASH, SDP, SVG) are
/// left out: ffmpeg would open other files or addresses for them.
const CONTAINER_WHITELIST: &str = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,asf,flv,ogg,wtv,rm,mxf,nut,dv,vob,h264,hevc,m4v";

/// Options of ffmpeg and ffprobe in front of an input that somebody else made: no other file or address that it may name
/// is opened.
pub const ONLY_THIS_FILE: [&str; 4] = [
    "-protocol_whitelist",
    "file",
    "-format_whitelist",
    CONTAINER_WHITELIST,
];

/// `file:` keeps a name from being read as an option, a protocol or a pattern.
#[must_use]
pub fn url(path: &Path) -> OsString {
    let mut url = OsString::from("file:");
    url.push(path);
    url
}

/// ffmpeg's arguments that open `input`, and [`ONLY_THIS_FILE`].
#[must_use]
pub fn reading(input: &Path) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = ONLY_THIS_FILE.map(OsString::from).to_vec();
    arguments.extend(["-i".into(), url(input)]);
    arguments
}

/// One media file. Streams stand in the file's order; `streams[i].index == i` is not promised.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MediaInfo {
    /// Demuxer names, as `mov`, `mp4`, `m4a`.
    pub formats: Vec<String>,
    pub duration_s: Option<f64>,
    pub start_s: Option<f64>,
    pub size_bytes: u64,
    pub bit_rate: Option<u64>,
    pub streams: Vec<Stream>,
    pub chapters: Vec<Chapter>,
    /// Of a transport stream: one television channel each.
    pub programs: Vec<Program>,
    pub tags: BTreeMap<String, String>,
    /// The bytes of all packets by the second that they are shown in, from the first one on: where in the film the
    /// file is heavy. Empty when no scan was made.
    pub bytes_by_second: Vec<u64>,
    /// What the file says beside all this, and ffmpeg does not read.
    pub unread: Vec<Unread>,
}

/// Something in a file that ffmpeg passes over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unread {
    /// A further one of a name.
    Tag { name: String, value: String },
    /// A further one, in another language; `chapter` is the one that ffmpeg reads.
    ChapterTitle { title: String, chapter: String },
    /// Of chapters' titles.
    ChapterLanguage(String),
    /// A chapter within the one of this title.
    InnerChapter { title: String, chapter: String },
    /// Google's older description of a spherical picture, of which ffmpeg reads the projection.
    SphericalXml,
    /// Of MP4: the part of the stored picture that some players show, in pixels.
    CleanAperture { width: u32, height: u32 },
    /// Of Matroska: the edges of the stored picture that some players do not show, in pixels.
    PixelCrop {
        left: u64,
        top: u64,
        right: u64,
        bottom: u64,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub struct Stream {
    /// ffmpeg's index in the file, for `-map 0:INDEX`.
    pub index: u32,
    /// ffmpeg's codec name (`h264`, `subrip`); `None` when ffmpeg does not know the codec.
    pub codec: Option<String>,
    /// As `High`, `LC`, `HE-AAC`.
    pub profile: Option<String>,
    /// As `avc1`, `hvc1`, `gpmd`.
    pub codec_tag: Option<String>,
    pub kind: StreamKind,
    /// As written in the file, in full (`pt-BR`) where it says so; `und` counts as absent. The tag `language` is
    /// ffmpeg's, in which Matroska's full ones are missing.
    pub language: Option<String>,
    pub title: Option<String>,
    pub dispositions: Dispositions,
    pub timebase: Rational,
    pub start_s: Option<f64>,
    pub duration_s: Option<f64>,
    pub bit_rate: Option<u64>,
    /// What a scan of all packets found; `None` when no scan was made.
    pub packets: Option<Packets>,
    pub tags: BTreeMap<String, String>,
}

/// What the packets of one stream say, whatever the header claims.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Packets {
    pub count: u64,
    pub bytes: u64,
    /// The smallest presentation time; the decode time where packets carry no other.
    pub first_s: Option<f64>,
    /// The largest presentation time plus that packet's duration.
    pub end_s: Option<f64>,
    /// The largest presentation time.
    pub last_s: Option<f64>,
    /// Of the packet shown last.
    pub last_duration_s: Option<f64>,
    /// How much an edit list hides before the first packet that is shown: an encoder's priming, or what was trimmed.
    pub hidden_before_s: f64,
    /// An edit list shows several pieces: something between two shown packets is hidden.
    pub in_pieces: bool,
    /// One begins well before the one before it in the file has ended, as where recordings were joined. Says nothing of
    /// pictures, which are stored in another order than they are shown.
    pub overlaps: bool,
}

impl Packets {
    /// By how many seconds the stream may go on beyond [`Packets::end_s`]: as long as a packet lasts, where the last one
    /// does not say how long that is.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a number of packets")]
    pub fn unsaid_s(&self) -> f64 {
        match (self.last_duration_s, self.first_s, self.last_s) {
            (None, Some(first), Some(last)) if self.count > 1 => (last - first) / (self.count - 1) as f64,
            _ => 0.0,
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum StreamKind {
    Video(Box<Video>),
    Audio(Audio),
    Subtitle,
    Attachment,
    Data,
    Unknown,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Video {
    pub width: u32,
    pub height: u32,
    /// 1:1 when the file says nothing.
    pub sample_aspect: Rational,
    /// Display aspect of pictures elsewhere in the film that have another one; `None` when none was seen.
    pub other_aspect: Option<f64>,
    /// Width and height of the largest pictures elsewhere in the film that have another size; `None` when none was seen.
    pub other_size: Option<(u32, u32)>,
    /// ffmpeg's name, as `yuv420p10le`.
    pub pixel_format: Option<String>,
    /// Bits per component.
    pub bit_depth: u32,
    pub chroma: Chroma,
    /// `None` for 0/0.
    pub average_frame_rate: Option<Rational>,
    /// The lowest rate at which all timestamps can be shown; a guess of ffmpeg.
    pub real_frame_rate: Option<Rational>,
    pub orientation: Orientation,
    pub orientation_said_by: SaidBy,
    pub field_order: FieldOrder,
    /// What a look at decoded pictures found; `None` when nobody looked.
    pub fields: Option<FieldCounts>,
    pub colour: Colour,
    pub hdr: Hdr,
    /// Captions inside the pictures' own data (ATSC A/53), as American television has them.
    pub closed_captions: bool,
    pub stereo: Option<Stereo>,
    /// Of a picture to look around in: ffmpeg's name of the projection, as `equirectangular`.
    pub spherical: Option<String>,
    /// A still picture that belongs to the file (cover art), not a moving one.
    pub attached_picture: bool,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Audio {
    pub channels: u32,
    /// ffmpeg's name, as `5.1(side)`; `None` when unknown.
    pub layout: Option<String>,
    pub sample_rate_hz: u32,
    /// ffmpeg's name, as `fltp`; `None` when this ffmpeg could decode nothing of it.
    pub sample_format: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Chroma {
    #[default]
    C420,
    C422,
    C444,
    /// No chroma planes.
    Gray,
    /// RGB, palettes, 4:1:1 and the like.
    Other,
}

/// How a player turns the stored picture before showing it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Orientation {
    /// Degrees clockwise: 0, 90, 180 or 270; the nearest of these where the picture is askew.
    pub clockwise_degrees: u32,
    /// Mirrored left to right (before turning).
    pub mirrored: bool,
    /// More than a degree off a right angle.
    pub askew: bool,
}

/// Two pictures in one, for two eyes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stereo {
    /// ffmpeg's name, as `side by side`, `top and bottom`.
    pub arrangement: String,
    /// The right eye's picture comes first.
    pub inverted: bool,
    pub said_by: SaidBy,
}

/// What says something about a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SaidBy {
    #[default]
    Container,
    /// Only the pictures' own data.
    Pictures,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FieldOrder {
    #[default]
    Unknown,
    Progressive,
    TopFirst,
    BottomFirst,
}

/// Pictures, by what their fields look like (ffmpeg's idet, several pictures together).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FieldCounts {
    pub top_first: u64,
    pub bottom_first: u64,
    pub progressive: u64,
    pub undetermined: u64,
    /// Those that show the top field of the picture before them again; they are counted above, too.
    pub repeated_top: u64,
    pub repeated_bottom: u64,
}

impl FieldCounts {
    /// All pictures that were looked at.
    #[must_use]
    pub fn pictures(self) -> u64 {
        self.top_first + self.bottom_first + self.progressive + self.undetermined
    }
}

impl std::ops::Add for FieldCounts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            top_first: self.top_first + other.top_first,
            bottom_first: self.bottom_first + other.bottom_first,
            progressive: self.progressive + other.progressive,
            undetermined: self.undetermined + other.undetermined,
            repeated_top: self.repeated_top + other.repeated_top,
            repeated_bottom: self.repeated_bottom + other.repeated_bottom,
        }
    }
}

/// ffmpeg's names of the colour tags; `None` where the file has none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Colour {
    /// `tv` or `pc`.
    pub range: Option<String>,
    pub primaries: Option<String>,
    pub transfer: Option<String>,
    pub matrix: Option<String>,
    /// `left`, `topleft`, …
    pub chroma_location: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Hdr {
    pub mastering_display: Option<MasteringDisplay>,
    pub content_light: Option<ContentLight>,
    pub dolby_vision: Option<DolbyVision>,
    /// Whether every picture at the start and at the end that was looked at has Dolby Vision's metadata, whatever the
    /// container says.
    pub dolby_vision_in_pictures: bool,
    pub hdr10_plus: bool,
    /// What was found when the metadata of every picture was read; `None` when nobody read it.
    pub scenes: Option<SceneMetadata>,
}

/// What a plan must know of the metadata that changes from scene to scene.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SceneMetadata {
    pub hdr10_plus: Hdr10PlusFound,
    pub active_area: ActiveArea,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hdr10PlusFound {
    /// For each picture.
    Complete,
    /// So too, and of some it describes parts, in pixels.
    WithWindows,
    /// The first pictures have none.
    BeginsLate,
    /// It cannot be read, or it is not clear which belongs to which picture.
    Unreadable,
}

/// The part of the picture that Dolby Vision's metadata is about (its level 5, counted in pixels).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActiveArea {
    /// All of it, by every picture's word or by default.
    Whole,
    /// Some pictures name black bars.
    Part,
    Unreadable,
}

/// From Dolby Vision's configuration record; `None` where only the pictures themselves say that it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DolbyVision {
    pub profile: Option<u32>,
    /// What the picture is without it: 0 nothing that others can show, 1 and 6 HDR10, 2 SDR, 4 HLG.
    pub compatibility: Option<u32>,
}

/// SMPTE ST 2086 in x265's units: chromaticities in 1/50000, luminances in 1/10000 cd/m².
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MasteringDisplay {
    pub green: (u32, u32),
    pub blue: (u32, u32),
    pub red: (u32, u32),
    pub white_point: (u32, u32),
    pub max_luminance: u32,
    pub min_luminance: u32,
}

/// cd/m².
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContentLight {
    pub max_content: u32,
    pub max_average: u32,
}

/// The dispositions that are set, by ffmpeg's names (`default`, `forced`, `attached_pic`, …), sorted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Dispositions(pub Vec<String>);

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Chapter {
    pub start_s: f64,
    pub end_s: f64,
    pub title: Option<String>,
    pub tags: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Program {
    pub id: u32,
    /// As `service_name`.
    pub tags: BTreeMap<String, String>,
    /// ffmpeg's indices of its streams; one may be of several programs.
    pub streams: Vec<u32>,
}

/// A fraction; the denominator is never 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rational {
    pub numerator: u64,
    pub denominator: u64,
}

/// What a full decode of a file found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DecodeReport {
    /// Frames of the first video stream.
    pub frames: u64,
    /// Lines that the decoders wrote about errors.
    pub error_lines: u64,
    /// The first few of them.
    pub first_errors: Vec<String>,
    /// ffmpeg ended with 0 after reporting the end.
    pub completed: bool,
}

impl Rational {
    pub const ONE: Self = Self {
        numerator: 1,
        denominator: 1,
    };

    /// In lowest terms; `None` for a denominator of 0.
    #[must_use]
    pub fn new(numerator: u64, denominator: u64) -> Option<Self> {
        if denominator == 0 {
            return None;
        }
        let divisor = greatest_common_divisor(numerator, denominator).max(1);
        Some(Self {
            numerator: numerator / divisor,
            denominator: denominator / divisor,
        })
    }

    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn as_f64(self) -> f64 {
        self.numerator as f64 / self.denominator as f64
    }
}

impl Default for Rational {
    fn default() -> Self {
        Self::ONE
    }
}

impl fmt::Display for Rational {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.numerator, self.denominator)
    }
}

fn greatest_common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

impl Dispositions {
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|set| set == name)
    }
}

impl Orientation {
    /// Whether width and height change places when shown.
    #[must_use]
    pub fn swaps_sides(self) -> bool {
        self.clockwise_degrees % 180 == 90
    }
}

impl Video {
    /// Width and height in square pixels as a viewer sees them: sample aspect and rotation applied.
    #[must_use]
    pub fn displayed_size(&self) -> (f64, f64) {
        let width = f64::from(self.width) * self.sample_aspect.as_f64();
        let height = f64::from(self.height);
        if self.orientation.swaps_sides() {
            (height, width)
        } else {
            (width, height)
        }
    }
}

impl DolbyVision {
    /// Whether the picture can be shown without it. Without a record, only the colour tags can tell: Dolby's own
    /// colours (profile 5) are tagged as nothing.
    #[must_use]
    pub fn has_base_layer(self, colour: &Colour) -> bool {
        match self {
            Self { profile: Some(5), .. } => false,
            Self {
                compatibility: Some(compatibility),
                ..
            } => compatibility != 0,
            Self {
                compatibility: None, ..
            } => (colour.is_pq() || colour.is_hlg()) && colour.matrix.as_deref() == Some("bt2020nc"),
        }
    }
}

impl Colour {
    /// Perceptual quantiser: HDR10, HDR10+, most Dolby Vision.
    #[must_use]
    pub fn is_pq(&self) -> bool {
        self.transfer.as_deref() == Some("smpte2084")
    }

    /// Hybrid log-gamma.
    #[must_use]
    pub fn is_hlg(&self) -> bool {
        self.transfer.as_deref() == Some("arib-std-b67")
    }
}

impl Stream {
    #[must_use]
    pub fn video(&self) -> Option<&Video> {
        match &self.kind {
            StreamKind::Video(video) => Some(video),
            _ => None,
        }
    }

    #[must_use]
    pub fn audio(&self) -> Option<&Audio> {
        match &self.kind {
            StreamKind::Audio(audio) => Some(audio),
            _ => None,
        }
    }

    /// The codec's name, or `unknown`.
    #[must_use]
    pub fn codec_name(&self) -> &str {
        self.codec.as_deref().unwrap_or("unknown")
    }

    /// Bits per second as the header says, else from the packets; `None` when neither knows.
    #[must_use]
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss
    )]
    pub fn measured_bit_rate(&self) -> Option<u64> {
        self.bit_rate.or_else(|| {
            let packets = self.packets?;
            let seconds = packets.end_s? - packets.first_s?;
            (seconds > 0.0).then(|| (packets.bytes as f64 * 8.0 / seconds) as u64)
        })
    }

    /// Frames per second of a video stream. The timestamps decide; the header's fraction is used when it agrees
    /// with them, because it is exact.
    #[must_use]
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss
    )]
    pub fn frame_rate(&self) -> Option<Rational> {
        /// Relative difference up to which a header's rate is taken for the measured one.
        const AGREES: f64 = 0.01;
        let video = self.video()?;
        let plausible = |rate: &Rational| (0.1..=1000.0).contains(&rate.as_f64());
        let candidates = [video.average_frame_rate, video.real_frame_rate];
        let measured = self.packets.and_then(|packets| {
            let span = packets.last_s? - packets.first_s?;
            (packets.count > 1 && span > 0.0).then(|| (packets.count - 1) as f64 / span)
        });
        match measured {
            Some(measured) => candidates
                .into_iter()
                .flatten()
                .find(|rate| (rate.as_f64() / measured - 1.0).abs() < AGREES)
                .or_else(|| Rational::new((measured * 1000.0).round() as u64, 1000))
                .filter(plausible),
            None => candidates.into_iter().flatten().find(plausible),
        }
    }
}

impl Unread {
    /// Whether some players, and newer versions of ffmpeg, show a part of the picture only.
    #[must_use]
    pub fn crops(&self) -> bool {
        matches!(self, Self::CleanAperture { .. } | Self::PixelCrop { .. })
    }
}

impl MediaInfo {
    /// The stream that is the film: the first moving picture.
    #[must_use]
    pub fn main_video(&self) -> Option<(&Stream, &Video)> {
        self.streams.iter().find_map(|stream| {
            let video = stream.video()?;
            (!video.attached_picture).then_some((stream, video))
        })
    }

    /// MP4, M4V, MOV and their kin.
    #[must_use]
    pub fn is_mp4_family(&self) -> bool {
        self.formats.iter().any(|name| name == "mp4")
    }

    /// The longest of the container's and the streams' durations, in seconds.
    #[must_use]
    pub fn longest_duration_s(&self) -> Option<f64> {
        self.streams
            .iter()
            .filter_map(|stream| stream.duration_s)
            .chain(self.duration_s)
            .reduce(f64::max)
    }
}
