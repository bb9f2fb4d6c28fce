//! How much a text and its font may ask for.

/// Pixels on one side of a rendered text (spec 8.3).
pub const SIDE_PX_MAX: u32 = 4096;

/// Bytes of a font file (spec 8.1).
pub const FONT_BYTES_MAX: u64 = 20_000_000;

/// Bytes of a font that was packed: twice the largest file that is taken as it is.
pub(crate) const UNPACKED_BYTES_MAX: u64 = 2 * FONT_BYTES_MAX;

/// Bytes that unpacking holds at its worst moment, for each byte of the font inside: the tables, what they are made into, and room to grow.
pub(crate) const UNPACKING_FACTOR: u64 = 6;

/// Tables of a font. Fonts have about twenty.
pub(crate) const TABLES_MAX: usize = 256;

/// Rules of substitution or of placement in a font. The largest known fonts have about two thousand.
pub(crate) const LOOKUPS_MAX: u16 = 8_192;

/// Glyphs that a text may become: a font may replace one by many.
pub(crate) const GLYPHS_MAX: usize = 32_768;

/// Glyphs inside glyphs of one character. Real ones have a handful.
pub(crate) const COMPONENTS_MAX: u32 = 512;

/// Glyphs inside glyphs inside glyphs.
pub(crate) const COMPONENT_DEPTH_MAX: u32 = 16;

/// Bytes of outline programs that are run for one glyph.
pub(crate) const CHARSTRING_BYTES_MAX: usize = 1 << 20;

/// Pieces of the outline of one glyph.
pub(crate) const SEGMENTS_MAX: usize = 1 << 18;

/// Straight lines of all different glyphs of a text. A thousand ornate characters have some hundred thousand.
pub(crate) const LINES_MAX: usize = 1 << 21;

/// Steps of painting: lines, and the rows and columns that each of them crosses. The most that fits a picture takes about a second.
pub(crate) const STEPS_MAX: u64 = 1 << 28;
