//! libheif, found at run time. Only what has been in its C interface since version 1.1 is used, and structures are only
//! touched where that version had the field.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::marker::PhantomData;
use std::ptr::{NonNull, null, null_mut};
use std::sync::OnceLock;

use calotype_plan::Size;
use libloading::Library;

use crate::CodecError;

/// The names under which systems install it.
#[cfg(target_os = "macos")]
const NAMES: &[&str] = &[
    "libheif.1.dylib",
    "/opt/homebrew/lib/libheif.1.dylib",
    "/usr/local/lib/libheif.1.dylib",
    "/opt/local/lib/libheif.1.dylib",
];
#[cfg(windows)]
const NAMES: &[&str] = &["heif.dll", "libheif.dll"];
#[cfg(not(any(target_os = "macos", windows)))]
const NAMES: &[&str] = &["libheif.so.1", "libheif.so"];

/// `heif_compression_HEVC`.
const HEVC: c_int = 1;
/// `heif_colorspace_RGB`.
const RGB: c_int = 1;
/// `heif_channel_interleaved`.
const INTERLEAVED: c_int = 10;
/// `heif_error_Unsupported_filetype` and `heif_error_Unsupported_feature`.
const UNSUPPORTED: [c_int; 2] = [3, 4];

/// `struct heif_error`.
#[repr(C)]
struct Answer {
    code: c_int,
    subcode: c_int,
    message: *const c_char,
}

/// The beginning of `struct heif_decoding_options`, as it has been since version 3 of the structure. The library
/// allocates it and says in `version` how much of it there is.
#[repr(C)]
struct Options {
    version: u8,
    ignore_transformations: u8,
    start_progress: *const c_void,
    on_progress: *const c_void,
    end_progress: *const c_void,
    progress_user_data: *mut c_void,
    /// Since version 2.
    convert_hdr_to_8bit: u8,
    /// Since version 3.
    strict_decoding: u8,
}

enum Context {}
enum Handle {}
enum Image {}

/// The functions that are used.
struct Heif {
    /// Never unloaded: threads and tables of the library outlive any call.
    _library: Library,
    get_version: unsafe extern "C" fn() -> *const c_char,
    have_decoder: unsafe extern "C" fn(c_int) -> c_int,
    context_alloc: unsafe extern "C" fn() -> *mut Context,
    context_free: unsafe extern "C" fn(*mut Context),
    context_read: unsafe extern "C" fn(*mut Context, *const c_void, usize, *const c_void) -> Answer,
    context_set_side_max: unsafe extern "C" fn(*mut Context, c_int),
    context_set_threads: Option<unsafe extern "C" fn(*mut Context, c_int)>,
    context_primary: unsafe extern "C" fn(*mut Context, *mut *mut Handle) -> Answer,
    handle_release: unsafe extern "C" fn(*const Handle),
    options_alloc: unsafe extern "C" fn() -> *mut Options,
    options_free: unsafe extern "C" fn(*mut Options),
    decode_image: unsafe extern "C" fn(*const Handle, *mut *mut Image, c_int, c_int, *const Options) -> Answer,
    image_width: unsafe extern "C" fn(*const Image, c_int) -> c_int,
    image_height: unsafe extern "C" fn(*const Image, c_int) -> c_int,
    image_bits: unsafe extern "C" fn(*const Image, c_int) -> c_int,
    image_plane: unsafe extern "C" fn(*const Image, c_int, *mut c_int) -> *const u8,
    image_release: unsafe extern "C" fn(*const Image),
}

/// The library, looked for once. `None` if it is not there, too old, or cannot decode HEVC.
fn heif() -> Option<&'static Heif> {
    static HEIF: OnceLock<Option<Heif>> = OnceLock::new();
    HEIF.get_or_init(|| NAMES.iter().find_map(|name| Heif::open(name)))
        .as_ref()
}

/// Name and version of the decoder of HEIC pixels: libheif, where the operator has installed it together with a decoder
/// of HEVC. Without it headers are read, and nothing is decoded.
///
/// The first call loads the library; a process that gives up the right to open files calls this before.
#[must_use]
pub fn decoder() -> Option<String> {
    heif().map(|heif| format!("libheif {}", heif.version()))
}

impl Heif {
    fn open(name: &str) -> Option<Self> {
        // SAFETY: loading runs the library's initialisers. It is the system's own copy, found where the system's loader
        // looks, and as trusted as the system's C library.
        let library = unsafe { Library::new(name) }.ok()?;
        /// The address of a function.
        ///
        /// # Safety
        /// `F` must be the type that the function has in the library's header.
        unsafe fn find<F: Copy>(library: &Library, name: &CStr) -> Option<F> {
            // SAFETY: the caller vouches for the type.
            unsafe { library.get::<F>(name.to_bytes_with_nul()) }
                .ok()
                .map(|symbol| *symbol)
        }
        // SAFETY: the types are those of heif.h, unchanged since the versions in which the functions appeared. Enumerations
        // are of the size of int there. `Heif` keeps the library loaded as long as the addresses.
        let this = unsafe {
            if let Some(init) = find::<unsafe extern "C" fn(*const c_void) -> Answer>(&library, c"heif_init") {
                // Since 1.13: loads decoders that are installed as files of their own. Without arguments, and never
                // undone.
                let _ = init(null());
            }
            Self {
                get_version: find(&library, c"heif_get_version")?,
                have_decoder: find(&library, c"heif_have_decoder_for_format")?,
                context_alloc: find(&library, c"heif_context_alloc")?,
                context_free: find(&library, c"heif_context_free")?,
                context_read: find(&library, c"heif_context_read_from_memory_without_copy")?,
                context_set_side_max: find(&library, c"heif_context_set_maximum_image_size_limit")?,
                context_set_threads: find(&library, c"heif_context_set_max_decoding_threads"),
                context_primary: find(&library, c"heif_context_get_primary_image_handle")?,
                handle_release: find(&library, c"heif_image_handle_release")?,
                options_alloc: find(&library, c"heif_decoding_options_alloc")?,
                options_free: find(&library, c"heif_decoding_options_free")?,
                decode_image: find(&library, c"heif_decode_image")?,
                image_width: find(&library, c"heif_image_get_width")?,
                image_height: find(&library, c"heif_image_get_height")?,
                image_bits: find(&library, c"heif_image_get_bits_per_pixel_range")?,
                image_plane: find(&library, c"heif_image_get_plane_readonly")?,
                image_release: find(&library, c"heif_image_release")?,
                _library: library,
            }
        };
        // SAFETY: a function without preconditions.
        (unsafe { (this.have_decoder)(HEVC) } != 0).then_some(this)
    }

    fn version(&self) -> String {
        // SAFETY: the function has no preconditions and gives a constant string that ends with a zero byte.
        let text = unsafe {
            let version = (self.get_version)();
            (!version.is_null()).then(|| CStr::from_ptr(version))
        };
        text.map_or_else(String::new, |text| text.to_string_lossy().into_owned())
    }
}

/// The error for pictures whose decoder is not there.
fn missing() -> CodecError {
    CodecError::not_installed(
        "HEIC needs a decoder that is not installed on this server (libheif). HEVC is covered by patents, so it is not \
         included: its operator can install libheif with libde265, or send the image as JPEG",
    )
}

/// Fails if there is no decoder.
pub(super) fn check_installed() -> Result<(), CodecError> {
    heif().map(|_| ()).ok_or_else(missing)
}

/// How the primary picture is to be decoded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    /// The size that it must have, neither cut nor turned.
    pub(super) size: Size,
    pub(super) has_alpha: bool,
    /// 16 bits per sample instead of 8.
    pub(super) is_deep: bool,
    /// Pixels that the library may accept on a side.
    pub(super) side_px_max: u32,
}

/// Decoded samples, interleaved, in the library's memory.
pub(super) struct Samples {
    heif: &'static Heif,
    image: NonNull<Image>,
    plane: NonNull<u8>,
    stride: usize,
    row_bytes: usize,
    rows: usize,
    /// Bits that a sample uses, 8 to 16; the lower ones of two bytes, little-endian, where there are more than 8.
    pub(super) bits: u32,
}

impl Samples {
    /// The rows, top down.
    pub(super) fn rows(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.rows).map(|y| {
            // SAFETY: the library said that the plane has `rows` rows, `stride` bytes apart, of at least `row_bytes` bytes
            // (checked in `decode`), and they live and stay unchanged until the image is released, when `self` is dropped.
            // The product was checked against isize.
            unsafe { std::slice::from_raw_parts(self.plane.as_ptr().add(y * self.stride), self.row_bytes) }
        })
    }
}

impl Drop for Samples {
    fn drop(&mut self) {
        // SAFETY: the image is ours, is released once, and no row outlives `self`.
        unsafe { (self.heif.image_release)(self.image.as_ptr()) }
    }
}

/// Decodes the primary picture of a file without cutting or turning it.
pub(super) fn decode(bytes: &[u8], wanted: &Wanted) -> Result<Samples, CodecError> {
    let heif = heif().ok_or_else(missing)?;
    let file = File::open(heif, bytes, wanted)?;
    let image = file.decode(wanted)?;
    let samples = measure(heif, image, wanted);
    if samples.is_none() {
        // SAFETY: the image is ours and nothing else holds it.
        unsafe { (heif.image_release)(image.as_ptr()) }
    }
    samples.ok_or_else(damaged)
}

/// Checks that an image is what was asked for. It is not released here.
fn measure(heif: &'static Heif, image: NonNull<Image>, wanted: &Wanted) -> Option<Samples> {
    let mut stride: c_int = 0;
    // SAFETY: the image is alive; `stride` outlives the call. The functions answer -1 or null for a channel that is not there.
    let (width, height, bits, plane) = unsafe {
        (
            (heif.image_width)(image.as_ptr(), INTERLEAVED),
            (heif.image_height)(image.as_ptr(), INTERLEAVED),
            (heif.image_bits)(image.as_ptr(), INTERLEAVED),
            (heif.image_plane)(image.as_ptr(), INTERLEAVED, &raw mut stride),
        )
    };
    let size = Size::new(u32::try_from(width).ok()?, u32::try_from(height).ok()?);
    let bits = u32::try_from(bits).ok()?;
    let stride = usize::try_from(stride).ok()?;
    let channels = if wanted.has_alpha { 4 } else { 3 };
    let row_bytes = (size.width as usize).checked_mul(channels * if wanted.is_deep { 2 } else { 1 })?;
    let depth_fits = if wanted.is_deep {
        (9..=16).contains(&bits)
    } else {
        bits == 8
    };
    let length = stride.checked_mul(size.height as usize)?;
    let fits = size == wanted.size && depth_fits && stride >= row_bytes && isize::try_from(length).is_ok();
    // From here on `Samples` releases the image, so nothing may fail any more.
    let plane = NonNull::new(plane.cast_mut()).filter(|_| fits)?;
    Some(Samples {
        heif,
        image,
        plane,
        stride,
        row_bytes,
        rows: size.height as usize,
        bits,
    })
}

/// An opened file and its primary picture, both released when dropped.
struct File<'a> {
    heif: &'static Heif,
    context: NonNull<Context>,
    primary: *mut Handle,
    /// The library reads from it as long as the context lives.
    _bytes: PhantomData<&'a [u8]>,
}

impl<'a> File<'a> {
    fn open(heif: &'static Heif, bytes: &'a [u8], wanted: &Wanted) -> Result<Self, CodecError> {
        // SAFETY: a function without preconditions.
        let context = NonNull::new(unsafe { (heif.context_alloc)() })
            .ok_or_else(|| CodecError::corrupt("there is not enough memory to decode it"))?;
        let mut this = Self {
            heif,
            context,
            primary: null_mut(),
            _bytes: PhantomData,
        };
        let side = c_int::try_from(wanted.side_px_max).unwrap_or(c_int::MAX);
        // SAFETY: the context is alive and not shared. The bytes outlive it (`'a`). `primary` outlives the call and is only
        // read if the library says that it was set.
        unsafe {
            (heif.context_set_side_max)(context.as_ptr(), side);
            if let Some(set_threads) = heif.context_set_threads {
                // In this thread.
                set_threads(context.as_ptr(), 0);
            }
            judge(&(heif.context_read)(
                context.as_ptr(),
                bytes.as_ptr().cast(),
                bytes.len(),
                null(),
            ))?;
            judge(&(heif.context_primary)(context.as_ptr(), &raw mut this.primary))?;
        }
        if this.primary.is_null() {
            Err(damaged())
        } else {
            Ok(this)
        }
    }

    fn decode(&self, wanted: &Wanted) -> Result<NonNull<Image>, CodecError> {
        // heif_chroma_interleaved_RGB, _RGBA, _RRGGBB_LE, _RRGGBBAA_LE.
        let chroma = match (wanted.is_deep, wanted.has_alpha) {
            (false, false) => 10,
            (false, true) => 11,
            (true, false) => 14,
            (true, true) => 15,
        };
        let mut image = null_mut();
        // SAFETY: the handle is alive. The options are allocated by the library, which says by `version` which of their
        // fields exist; they are freed after the call that reads them. `image` outlives the call.
        let answer = unsafe {
            let options = (self.heif.options_alloc)();
            if options.is_null() {
                return Err(CodecError::corrupt("there is not enough memory to decode it"));
            }
            (*options).ignore_transformations = 1;
            if (*options).version >= 3 {
                (*options).strict_decoding = 1;
            }
            let answer = (self.heif.decode_image)(self.primary, &raw mut image, RGB, chroma, options);
            (self.heif.options_free)(options);
            answer
        };
        let image = NonNull::new(image);
        match (judge(&answer), image) {
            (Ok(()), image) => image.ok_or_else(damaged),
            (Err(error), None) => Err(error),
            (Err(error), Some(image)) => {
                // SAFETY: an image that came with an error is ours as well.
                unsafe { (self.heif.image_release)(image.as_ptr()) }
                Err(error)
            }
        }
    }
}

impl Drop for File<'_> {
    fn drop(&mut self) {
        // SAFETY: both are ours and are released once, the handle before its context. Images do not depend on them.
        unsafe {
            if !self.primary.is_null() {
                (self.heif.handle_release)(self.primary);
            }
            (self.heif.context_free)(self.context.as_ptr());
        }
    }
}

/// The library's objection in our words.
fn judge(answer: &Answer) -> Result<(), CodecError> {
    match answer.code {
        0 => Ok(()),
        code if UNSUPPORTED.contains(&code) => {
            Err(CodecError::unsupported("a coding that is used in this HEIC picture"))
        }
        _ => Err(damaged()),
    }
}

fn damaged() -> CodecError {
    CodecError::corrupt("its HEIC data cannot be decoded")
}
