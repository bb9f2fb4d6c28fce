//! Which libaom encodes: the system's, where the operator has installed one that is newer than the one built in and can tune for still pictures, or the
//! one built in.

use std::ffi::{CStr, c_char, c_int, c_long, c_uint, c_ulong};
use std::sync::OnceLock;

use calotype_plan::Size;
use libaom_sys as aom;
use libloading::Library as Loaded;

use super::aom::{Settings, Source, Use, encode};

/// The names under which systems install it. The number changes when structures do: by their notes, all releases from 3.4 to 3.14 are compatible with
/// the one before.
#[cfg(target_os = "macos")]
const NAMES: &[&str] = &[
    "libaom.3.dylib",
    "/opt/homebrew/lib/libaom.3.dylib",
    "/usr/local/lib/libaom.3.dylib",
    "/opt/local/lib/libaom.3.dylib",
];
#[cfg(not(target_os = "macos"))]
const NAMES: &[&str] = &["libaom.so.3"];

/// What is built in, by the crate that holds it.
const BUILT_IN: &str = "libaom-sys 0.17.2+libaom.3.11.0";

/// What a libaom can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Generation {
    /// 3.11, built in.
    BuiltIn,
    /// 3.12: `tune=iq`.
    Iq,
    /// From 3.13 on: `tune=ssimulacra2`.
    Ssimulacra2,
}

/// The functions of one libaom. The structures they work on are those of 3.11; nothing was added to them since (headers of 3.12.1 and 3.14.1 compared), and
/// a library for which that is not so refuses by the number `AOM_ENCODER_ABI_VERSION`.
pub(super) struct Library {
    /// Never unloaded.
    _loaded: Option<Loaded>,
    pub(super) generation: Generation,
    /// Name and version, for the cache key.
    pub(super) version: String,
    pub(super) interface: unsafe extern "C" fn() -> *const aom::aom_codec_iface,
    pub(super) config_default: unsafe extern "C" fn(
        *const aom::aom_codec_iface,
        *mut aom::aom_codec_enc_cfg_t,
        c_uint,
    ) -> aom::aom_codec_err_t,
    pub(super) init: unsafe extern "C" fn(
        *mut aom::aom_codec_ctx_t,
        *const aom::aom_codec_iface,
        *const aom::aom_codec_enc_cfg_t,
        aom::aom_codec_flags_t,
        c_int,
    ) -> aom::aom_codec_err_t,
    pub(super) control: unsafe extern "C" fn(*mut aom::aom_codec_ctx_t, c_int, ...) -> aom::aom_codec_err_t,
    pub(super) set_option:
        unsafe extern "C" fn(*mut aom::aom_codec_ctx_t, *const c_char, *const c_char) -> aom::aom_codec_err_t,
    pub(super) encode: unsafe extern "C" fn(
        *mut aom::aom_codec_ctx_t,
        *const aom::aom_image_t,
        aom::aom_codec_pts_t,
        c_ulong,
        c_long,
    ) -> aom::aom_codec_err_t,
    pub(super) get_data:
        unsafe extern "C" fn(*mut aom::aom_codec_ctx_t, *mut aom::aom_codec_iter_t) -> *const aom::aom_codec_cx_pkt_t,
    pub(super) destroy: unsafe extern "C" fn(*mut aom::aom_codec_ctx_t) -> aom::aom_codec_err_t,
}

/// The libaom that encodes, looked for once.
pub(super) fn library() -> &'static Library {
    static LIBRARY: OnceLock<Library> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        NAMES
            .iter()
            .find_map(|name| Library::open(name))
            .unwrap_or_else(Library::built_in)
    })
}

/// Name and version of the AVIF encoder, and whether it is the system's. A libaom of the system is used from 3.12 on: it is tuned for still pictures
/// and writes 3 to 4 % less in the same time. Without one, the one built in is.
///
/// The first call loads the library; a process that gives up the right to open files calls this before.
#[must_use]
pub fn encoder() -> (&'static str, bool) {
    let library = library();
    (&library.version, library.generation != Generation::BuiltIn)
}

impl Library {
    pub(super) fn built_in() -> Self {
        Self {
            _loaded: None,
            generation: Generation::BuiltIn,
            version: BUILT_IN.to_owned(),
            interface: aom::aom_codec_av1_cx,
            config_default: aom::aom_codec_enc_config_default,
            init: aom::aom_codec_enc_init_ver,
            control: aom::aom_codec_control,
            set_option: aom::aom_codec_set_option,
            encode: aom::aom_codec_encode,
            get_data: aom::aom_codec_get_cx_data,
            destroy: aom::aom_codec_destroy,
        }
    }

    /// Opens a libaom of the system; `None` if there is none, if it is not newer than the one built in, or cannot encode.
    pub(super) fn open(name: &str) -> Option<Self> {
        // SAFETY: loading runs the library's initialisers. It is the system's own copy, found where the system's loader looks, and as trusted as the
        // system's C library.
        let loaded = unsafe { Loaded::new(name) }.ok()?;
        /// The address of a function.
        ///
        /// # Safety
        /// `F` must be the type that the function has in the library's headers.
        unsafe fn find<F: Copy>(library: &Loaded, name: &CStr) -> Option<F> {
            // SAFETY: the caller vouches for the type.
            unsafe { library.get::<F>(name.to_bytes_with_nul()) }
                .ok()
                .map(|symbol| *symbol)
        }
        // SAFETY: the types are those of aom_codec.h and aom_encoder.h, the same in all releases of this major version. `Library` keeps the file loaded as
        // long as the addresses. The version functions have no preconditions, and the text is a constant that ends with a zero byte.
        let this = unsafe {
            let number = find::<unsafe extern "C" fn() -> c_int>(&loaded, c"aom_codec_version")?();
            let text = find::<unsafe extern "C" fn() -> *const c_char>(&loaded, c"aom_codec_version_str")?();
            let text = (!text.is_null()).then(|| CStr::from_ptr(text).to_string_lossy().into_owned())?;
            Self {
                generation: generation(number)?,
                version: format!("libaom {}", text.trim_start_matches('v')),
                interface: find(&loaded, c"aom_codec_av1_cx")?,
                config_default: find(&loaded, c"aom_codec_enc_config_default")?,
                init: find(&loaded, c"aom_codec_enc_init_ver")?,
                control: find(&loaded, c"aom_codec_control")?,
                set_option: find(&loaded, c"aom_codec_set_option")?,
                encode: find(&loaded, c"aom_codec_encode")?,
                get_data: find(&loaded, c"aom_codec_get_cx_data")?,
                destroy: find(&loaded, c"aom_codec_destroy")?,
                _loaded: Some(loaded),
            }
        };
        this.works().then_some(this)
    }

    /// Whether it encodes a small picture and a small mask with the settings that pictures get: a build may lack the encoder or a part of it.
    fn works(&self) -> bool {
        let (luma, chroma) = ([100; 256], [128; 64]);
        let size = Size::new(16, 16);
        [(Use::Picture, Some([&chroma[..], &chroma[..]])), (Use::Mask, None)]
            .into_iter()
            .all(|(of, chroma)| {
                let source = Source {
                    size,
                    luma: &luma,
                    chroma,
                };
                let settings = Settings {
                    quantizer: 30,
                    speed: 9,
                    of,
                };
                encode(self, source, settings).is_ok()
            })
    }
}

/// What a version can be asked for, `major << 16 | minor << 8 | patch`; `None` if it is too old or its structures are not known.
fn generation(version: c_int) -> Option<Generation> {
    match (version >> 16, version >> 8 & 0xff) {
        (3, 12) => Some(Generation::Iq),
        (3, 13..) => Some(Generation::Ssimulacra2),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_releases_that_are_newer_and_compatible_are_used() {
        // aom_codec.h: VERSION_MAJOR << 16 | VERSION_MINOR << 8 | VERSION_PATCH.
        let cases = [
            (0x02_00_02, None),
            (0x03_06_00, None),
            (0x03_0b_00, None),
            (0x03_0c_01, Some(Generation::Iq)),
            (0x03_0d_00, Some(Generation::Ssimulacra2)),
            (0x03_0e_01, Some(Generation::Ssimulacra2)),
            (0x04_00_00, None),
        ];
        for (version, expected) in cases {
            assert_eq!(generation(version), expected, "{version:#x}");
        }
        assert!(Library::open("libaom-that-is-not-there.so.3").is_none());
    }

    #[test]
    fn the_library_is_looked_for_once_and_named() {
        let (name, of_system) = encoder();
        assert!(
            name.starts_with(if of_system { "libaom 3." } else { "libaom-sys " }),
            "{name}"
        );
        assert!(std::ptr::eq(library(), library()));
        assert!(Library::built_in().works());
    }
}
