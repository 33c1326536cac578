//! What models of other tasks than chat can do, and what they cost by other units than tokens.

use std::collections::BTreeMap;

use portolan_core::Price;
use serde::{Deserialize, Serialize};

use crate::pricing;

/// What a media price is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum MediaUnit {
    Second,
    Minute,
    Hour,
    Image,
    Megapixel,
    MegapixelSecond,
    Pixel,
    Character,
    Utf8Byte,
    Token,
    Search,
    Request,
    Song,
    Font,
    Reference,
    Generation,
}

/// One price of a media endpoint, in USD per unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MediaPrice {
    /// What is sold: `video_output`, `image_output`, `audio_seconds`.
    pub sku: String,
    /// What it is counted in.
    pub unit: MediaUnit,
    /// The price where no variant applies.
    #[serde(deserialize_with = "pricing::price")]
    pub price: Price,
    /// Other prices, each under a condition such as a resolution.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variants: Vec<MediaVariant>,
}

/// A price that holds under a condition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MediaVariant {
    /// The condition, as the provider writes it: `1080p`, `2K`.
    pub condition: String,
    /// The price in USD per unit.
    #[serde(deserialize_with = "pricing::price")]
    pub price: Price,
}

/// What an endpoint charges beside tokens.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct MediaPricing {
    /// By unit, for the routes that meter.
    pub prices: Vec<MediaPrice>,
    /// OpenRouter's `pricing_skus`, as decimal text. Names that begin with `cents_` are US cents, the others USD.
    pub skus: BTreeMap<String, String>,
}

/// What is sold of an image model by other units than tokens: our name and OpenRouter's. What follows ours is a variant of it:
/// `image_output_moodboards`.
pub(crate) const BILLABLES: &[(&str, &str)] = &[
    ("image_output", "output_image"),
    ("image_input", "input_image"),
    ("text_input", "input_text"),
    ("font_input", "input_font"),
    ("super_resolution", "input_reference"),
    ("image", "output_image"),
];

/// The smallest and the largest value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Range {
    /// Counts.
    Whole {
        /// The smallest.
        min: u32,
        /// The largest.
        max: u32,
    },
    /// Decimal text.
    Decimal {
        /// The smallest.
        min: String,
        /// The largest.
        max: String,
    },
}

macro_rules! abilities {
    ($($(#[$doc:meta])* $name:ident: $type:ty,)*) => {
        /// What a model of another task than chat can do. What is absent is unknown, or not constrained.
        #[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct MediaAbilities {
            $($(#[$doc])* #[serde(skip_serializing_if = "Option::is_none")] pub $name: Option<$type>,)*
        }

        impl MediaAbilities {
            /// Takes over what `live` states.
            pub(crate) fn take(&mut self, live: &Self) {
                $(if live.$name.is_some() { self.$name.clone_from(&live.$name); })*
            }
        }
    };
}

abilities! {
    /// Names of the voices that it speaks with.
    voices: Vec<String>,
    /// Whether it speaks with a voice that it is given.
    voice_cloning: bool,
    /// Lengths of a video, in seconds.
    durations: Vec<u32>,
    /// `720p`, `2K`.
    resolutions: Vec<String>,
    /// `16:9`, `auto`.
    aspect_ratios: Vec<String>,
    /// Width and height in pixels: `1280x720`.
    sizes: Vec<String>,
    /// Which frames of a video can be given: `first_frame`, `last_frame`.
    frame_images: Vec<String>,
    /// What references may hold: `image`, `video`, `audio`.
    reference_modalities: Vec<String>,
    /// Whether a video comes with sound.
    native_audio: bool,
    /// Whether it takes a seed.
    seed: bool,
    /// By how much it enlarges.
    upscale_factor: Range,
    /// Steps of freedom.
    creativity: Vec<u32>,
    /// `png`, `webp`.
    output_formats: Vec<String>,
    /// `low`, `high`.
    qualities: Vec<String>,
    /// `transparent`, `opaque`.
    backgrounds: Vec<String>,
    /// How many images one request makes.
    n: Range,
    /// How many references one request takes.
    input_references: Range,
    /// Percent.
    output_compression: Range,
    /// The length of an embedding.
    output_dimensions: u32,
}
