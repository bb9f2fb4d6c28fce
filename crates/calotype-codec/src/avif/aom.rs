//! The calls into libaom's encoder, each behind a safe function with the right type: `aom_codec_control` is variadic in C and checks none. `library`
//! says whose functions they are. Nothing else in the crate touches `libaom_sys`.

use std::ffi::{CStr, c_int, c_uint};
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ptr;

use calotype_plan::Size;
use libaom_sys as aom;

use super::encode::options;
use super::library::Library;
use crate::CodecError;

/// What the encoder is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Settings {
    /// 0 (lossless) ..=63.
    pub(super) quantizer: u8,
    /// 0 (slow) ..=9.
    pub(super) speed: u8,
    /// What is encoded.
    pub(super) of: Use,
}

/// What planes are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// To be looked at.
    Picture,
    /// The opacity of another picture: exact values count, not looks.
    Mask,
}

/// An encoder; destroyed when dropped.
struct Encoder<'a>(Box<aom::aom_codec_ctx_t>, &'a Library);

impl Drop for Encoder<'_> {
    fn drop(&mut self) {
        // SAFETY: the context was initialised by aom_codec_enc_init_ver and is destroyed once.
        unsafe {
            (self.1.destroy)(&raw mut *self.0);
        }
    }
}

impl Encoder<'_> {
    /// Sets an integer option of the encoder. All controls used here take an `int` or an `unsigned int`, which are passed alike.
    fn set(&mut self, control: aom::aome_enc_control_id, value: c_int) -> Result<(), CodecError> {
        let control = c_int::try_from(control).map_err(|_| failed())?;
        // SAFETY: the context is initialised, and the control takes one argument of the size of an int.
        check(unsafe { (self.1.control)(&raw mut *self.0, control, value) })
    }

    /// Sets an option by its name on libaom's command line.
    fn set_option(&mut self, name: &CStr, value: &CStr) -> Result<(), CodecError> {
        // SAFETY: the context is initialised, and the texts end with a zero byte.
        check(unsafe { (self.1.set_option)(&raw mut *self.0, name.as_ptr(), value.as_ptr()) })
    }
}

/// Planes to encode, rows without padding.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source<'a> {
    /// Size of the luma plane; chroma is half of it, rounded up.
    pub(super) size: Size,
    /// Luma.
    pub(super) luma: &'a [u8],
    /// Cb and Cr; a mask has none.
    pub(super) chroma: Option<[&'a [u8]; 2]>,
}

/// What libaom is told about planes that stay where they are.
struct Image<'a> {
    image: aom::aom_image_t,
    /// Chroma of a mask, which libaom reads although it does not code it.
    _neutral: Vec<u8>,
    _planes: PhantomData<&'a [u8]>,
}

impl<'a> Image<'a> {
    fn new(source: Source<'a>) -> Result<Self, CodecError> {
        let size = source.size;
        let half = Size::new(size.width.div_ceil(2), size.height.div_ceil(2));
        let neutral = match source.chroma {
            Some(_) => Vec::new(),
            None => vec![128; usize::try_from(half.area()).map_err(|_| failed())?],
        };
        let [blue, red] = source.chroma.unwrap_or([&neutral, &neutral]);
        let planes = [(source.luma, size), (blue, half), (red, half)];
        if planes.iter().any(|(plane, size)| plane.len() as u64 != size.area()) {
            return Err(CodecError::encode("the picture's planes do not fill its size"));
        }
        // SAFETY: zeroes are valid in every field: numbers and pointers.
        let mut image = unsafe { MaybeUninit::<aom::aom_image_t>::zeroed().assume_init() };
        image.fmt = aom::AOM_IMG_FMT_I420;
        image.bit_depth = 8;
        (image.w, image.h) = (size.width, size.height);
        (image.d_w, image.d_h) = (size.width, size.height);
        (image.x_chroma_shift, image.y_chroma_shift) = (1, 1);
        image.bps = 12;
        image.monochrome = c_int::from(source.chroma.is_none());
        image.range = aom::AOM_CR_FULL_RANGE;
        for ((plane, size), (pointer, stride)) in planes.iter().zip(image.planes.iter_mut().zip(&mut image.stride)) {
            *pointer = plane.as_ptr().cast_mut();
            *stride = c_int::try_from(size.width).map_err(|_| failed())?;
        }
        Ok(Self {
            image,
            _neutral: neutral,
            _planes: PhantomData,
        })
    }
}

/// Encodes planes as one still AV1 picture: 8 bits, full range, BT.601, primaries and curve of sRGB, on this thread alone.
pub(super) fn encode(library: &Library, source: Source<'_>, settings: Settings) -> Result<Vec<u8>, CodecError> {
    // SAFETY: the call gives a pointer to a static.
    let interface = unsafe { (library.interface)() };
    let mut config = MaybeUninit::<aom::aom_codec_enc_cfg_t>::zeroed();
    // SAFETY: the call fills the configuration in when it succeeds; a zeroed one is valid too.
    let mut config = unsafe {
        check((library.config_default)(
            interface,
            config.as_mut_ptr(),
            aom::AOM_USAGE_ALL_INTRA,
        ))?;
        config.assume_init()
    };
    let quantizer = c_uint::from(settings.quantizer.min(63));
    config.g_w = source.size.width;
    config.g_h = source.size.height;
    config.g_threads = 1;
    config.g_limit = 1;
    config.g_lag_in_frames = 0;
    config.g_input_bit_depth = 8;
    config.monochrome = c_uint::from(source.chroma.is_none());
    config.rc_end_usage = aom::AOM_Q;
    config.rc_min_quantizer = quantizer;
    config.rc_max_quantizer = quantizer;
    let mut context = Box::new(MaybeUninit::<aom::aom_codec_ctx_t>::zeroed());
    // SAFETY: the context may be written, the configuration is copied. A context whose initialisation failed needs no destroying.
    let mut encoder = unsafe {
        let version = c_int::try_from(aom::AOM_ENCODER_ABI_VERSION).map_err(|_| failed())?;
        check((library.init)(
            context.as_mut_ptr(),
            interface,
            &raw const config,
            0,
            version,
        ))?;
        Encoder(context.assume_init(), library)
    };
    encoder.set(aom::AOME_SET_CPUUSED, c_int::from(settings.speed.min(9)))?;
    encoder.set(
        aom::AOME_SET_CQ_LEVEL,
        c_int::try_from(quantizer).map_err(|_| failed())?,
    )?;
    encoder.set(aom::AV1E_SET_ROW_MT, 0)?;
    for (name, value) in options(library.generation, settings.of) {
        encoder.set_option(name, value)?;
    }
    for (control, value) in [
        (aom::AV1E_SET_COLOR_RANGE, aom::AOM_CR_FULL_RANGE),
        (aom::AV1E_SET_COLOR_PRIMARIES, aom::AOM_CICP_CP_BT_709),
        (aom::AV1E_SET_TRANSFER_CHARACTERISTICS, aom::AOM_CICP_TC_SRGB),
        (aom::AV1E_SET_MATRIX_COEFFICIENTS, aom::AOM_CICP_MC_BT_601),
    ] {
        encoder.set(control, c_int::try_from(value).map_err(|_| failed())?)?;
    }
    let image = Image::new(source)?;
    let mut out = Vec::new();
    // SAFETY: context and image are initialised; the planes have the lengths that the image says, and the encoder copies what it needs of them without
    // writing to them.
    check(unsafe { (library.encode)(&raw mut *encoder.0, &raw const image.image, 0, 1, 0) })?;
    encoder.collect(&mut out)?;
    // SAFETY: as above; no image means the end of the input.
    check(unsafe { (library.encode)(&raw mut *encoder.0, ptr::null(), 0, 1, 0) })?;
    encoder.collect(&mut out)?;
    if out.is_empty() { Err(failed()) } else { Ok(out) }
}

impl Encoder<'_> {
    /// Appends the packets that are ready.
    fn collect(&mut self, out: &mut Vec<u8>) -> Result<(), CodecError> {
        let mut iterator: aom::aom_codec_iter_t = ptr::null();
        loop {
            // SAFETY: the context is initialised; the packet, if any, and its bytes stay valid until the next call on the context.
            let data = unsafe {
                let packet = (self.1.get_data)(&raw mut *self.0, &raw mut iterator);
                let Some(packet) = packet.as_ref() else { return Ok(()) };
                if packet.kind != aom::AOM_CODEC_CX_FRAME_PKT || packet.data.frame.buf.is_null() {
                    continue;
                }
                std::slice::from_raw_parts(packet.data.frame.buf.cast::<u8>(), packet.data.frame.sz)
            };
            out.try_reserve(data.len())
                .map_err(|_| CodecError::encode("the AVIF encoder has not enough memory"))?;
            out.extend_from_slice(data);
        }
    }
}

fn check(result: aom::aom_codec_err_t) -> Result<(), CodecError> {
    match result {
        aom::AOM_CODEC_OK => Ok(()),
        aom::AOM_CODEC_MEM_ERROR => Err(CodecError::encode("the AVIF encoder has not enough memory")),
        _ => Err(failed()),
    }
}

fn failed() -> CodecError {
    CodecError::encode("the AVIF encoder failed")
}
