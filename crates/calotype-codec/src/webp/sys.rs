//! The calls into libwebp, each behind a safe function. Nothing else in the crate touches `libwebp_sys`.

use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;

use calotype_plan::Size;
use libwebp_sys as webp;

use crate::{Chroma, CodecError, Layout, Range, YccPicture};

/// What a bitstream says of itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Features {
    /// Size of the picture.
    pub(super) size: Size,
    /// Whether a pixel may be transparent.
    pub(super) has_alpha: bool,
    /// Whether it is surely or possibly VP8L.
    pub(super) is_lossless: bool,
}

/// Reads the headers of a file or of a frame's chunks.
pub(super) fn features(data: &[u8]) -> Result<Features, CodecError> {
    let mut features = MaybeUninit::<webp::WebPBitstreamFeatures>::zeroed();
    // SAFETY: the pointer and length are those of a live slice, and the features are a plain C struct that the call fills in.
    let (status, features) = unsafe {
        let status = webp::WebPGetFeatures(data.as_ptr(), data.len(), features.as_mut_ptr());
        (status, features.assume_init())
    };
    check(status)?;
    match (u32::try_from(features.width), u32::try_from(features.height)) {
        (Ok(width), Ok(height)) => Ok(Features {
            size: Size::new(width, height),
            has_alpha: features.has_alpha != 0,
            // 1 is lossy, 2 lossless, 0 mixed or unknown.
            is_lossless: features.format != 1,
        }),
        _ => Err(CodecError::corrupt("the WebP picture has no valid size")),
    }
}

/// Decodes a bitstream of exactly `size` into `out`, whose rows are `stride` bytes apart. Single-threaded; no dithering.
pub(super) fn decode_into(
    data: &[u8],
    size: Size,
    layout: Layout,
    out: &mut [u8],
    stride: usize,
) -> Result<(), CodecError> {
    // libwebp trusts the caller that the last row may be short, and checks stride and length itself; this repeats its rule.
    let row = u64::from(size.width) * layout.channels() as u64;
    let needed = (u64::from(size.height).saturating_sub(1))
        .saturating_mul(stride as u64)
        .saturating_add(row);
    let stride = match c_int::try_from(stride) {
        Ok(stride) if (stride as u64) >= row && out.len() as u64 >= needed => stride,
        _ => return Err(CodecError::corrupt("a WebP frame does not fit its canvas")),
    };
    let Ok(mut config) = webp::WebPDecoderConfig::new() else {
        return Err(CodecError::unsupported("this build of the WebP decoder"));
    };
    config.options.use_threads = 0;
    config.output.colorspace = match layout {
        Layout::Rgb => webp::WEBP_CSP_MODE::MODE_RGB,
        Layout::Rgba => webp::WEBP_CSP_MODE::MODE_RGBA,
    };
    config.output.is_external_memory = 1;
    config.output.u.RGBA = webp::WebPRGBABuffer {
        rgba: out.as_mut_ptr(),
        stride,
        size: out.len(),
    };
    // SAFETY: data is a live slice. The output is external memory of which libwebp is told start, stride and length; it refuses a picture whose rows
    // do not fit (CheckDecBuffer) and never frees it. The size was checked above to be that of the bitstream's picture.
    let status = unsafe {
        let status = webp::WebPDecode(data.as_ptr(), data.len(), &raw mut config);
        webp::WebPFreeDecBuffer(&raw mut config.output);
        status
    };
    check(status)
}

/// Decodes a bitstream of exactly the size of `planes`, lossy and opaque, to planes in limited range.
pub(super) fn decode_planes(data: &[u8], planes: &mut YccPicture) -> Result<(), CodecError> {
    if (planes.chroma(), planes.range()) != (Chroma::Half, Range::Limited) {
        return Err(CodecError::unsupported("this build of the WebP decoder"));
    }
    let Ok(mut config) = webp::WebPDecoderConfig::new() else {
        return Err(CodecError::unsupported("this build of the WebP decoder"));
    };
    config.options.use_threads = 0;
    config.output.colorspace = webp::WEBP_CSP_MODE::MODE_YUV;
    config.output.is_external_memory = 1;
    let strides = [0, 1, 2].map(|plane| c_int::try_from(planes.plane_size(plane).width));
    let [Ok(y_stride), Ok(u_stride), Ok(v_stride)] = strides else {
        return Err(CodecError::unsupported("a WebP picture that needs this much memory"));
    };
    let mut start = |plane: usize| {
        let samples = planes.plane_mut(plane);
        (samples.as_mut_ptr(), samples.len())
    };
    let ((y, y_size), (u, u_size), (v, v_size)) = (start(0), start(1), start(2));
    config.output.u.YUVA = webp::WebPYUVABuffer {
        y,
        u,
        v,
        a: std::ptr::null_mut(),
        y_stride,
        u_stride,
        v_stride,
        a_stride: 0,
        y_size,
        u_size,
        v_size,
        a_size: 0,
    };
    // SAFETY: data is a live slice. The output is external memory of which libwebp is told starts, strides and lengths; it refuses a picture whose
    // planes do not fit (CheckDecBuffer) and never frees it.
    let status = unsafe {
        let status = webp::WebPDecode(data.as_ptr(), data.len(), &raw mut config);
        webp::WebPFreeDecBuffer(&raw mut config.output);
        status
    };
    check(status)
}

fn check(status: webp::VP8StatusCode) -> Result<(), CodecError> {
    use webp::VP8StatusCode as S;
    match status {
        S::VP8_STATUS_OK => Ok(()),
        S::VP8_STATUS_OUT_OF_MEMORY => Err(CodecError::unsupported("a WebP picture that needs this much memory")),
        S::VP8_STATUS_UNSUPPORTED_FEATURE => Err(CodecError::unsupported("this kind of WebP")),
        S::VP8_STATUS_NOT_ENOUGH_DATA | S::VP8_STATUS_SUSPENDED => {
            Err(CodecError::corrupt("the WebP file ends too early"))
        }
        _ => Err(CodecError::corrupt("the WebP picture data is broken")),
    }
}

/// What the encoder is asked to do.
#[derive(Debug, Clone, Copy)]
pub(super) struct Settings {
    /// 0..=100: fidelity of lossy pictures, effort of lossless ones.
    pub(super) quality: f32,
    /// 0 (fast) ..=6 (small).
    pub(super) method: u8,
    /// Every sample as it is, also under full transparency.
    pub(super) lossless: bool,
    /// Chroma is halved so that what is shown comes nearest to the colours, instead of by a mean (libwebp's `use_sharp_yuv`). Planes have no colours to
    /// compare with.
    pub(super) sharp_chroma: bool,
}

/// A `WebPPicture`, whose buffers are freed on every path.
struct Input(webp::WebPPicture);

impl Drop for Input {
    fn drop(&mut self) {
        // SAFETY: the picture was initialised by WebPPictureInit; freeing one without buffers is allowed.
        unsafe { webp::WebPPictureFree(&raw mut self.0) }
    }
}

/// Encodes samples that lie row by row without padding, to a RIFF file without metadata. Single-threaded.
pub(super) fn encode(samples: &[u8], size: Size, layout: Layout, settings: Settings) -> Result<Vec<u8>, CodecError> {
    let mut input = Input::new(size)?;
    let stride = input
        .0
        .width
        .checked_mul(if layout == Layout::Rgb { 3 } else { 4 })
        .ok_or_else(refused)?;
    if samples.len() as u64 != layout.bytes(size) {
        return Err(CodecError::encode("the picture's samples do not fill its size"));
    }
    // Lossy pictures are stored as 4:2:0 on import, a quarter of the memory of the other route, unless both are needed.
    input.0.use_argb = c_int::from(settings.lossless || settings.sharp_chroma);
    // SAFETY: the samples are height rows of stride bytes, checked above; the import copies them.
    let imported = unsafe {
        match layout {
            Layout::Rgb => webp::WebPPictureImportRGB(&raw mut input.0, samples.as_ptr(), stride),
            Layout::Rgba => webp::WebPPictureImportRGBA(&raw mut input.0, samples.as_ptr(), stride),
        }
    };
    if imported == 0 {
        return Err(CodecError::encode("the WebP encoder has not enough memory"));
    }
    input.encode(settings)
}

/// Encodes planes of Y, Cb and Cr in limited range, 4:2:0, rows without padding, as [`encode`] does samples. They are not copied.
pub(super) fn encode_planes(planes: [&[u8]; 3], size: Size, settings: Settings) -> Result<Vec<u8>, CodecError> {
    let mut input = Input::new(size)?;
    let half = Size::new(size.width.div_ceil(2), size.height.div_ceil(2));
    let lengths = [size, half, half].map(Size::area);
    if settings.lossless
        || planes
            .iter()
            .zip(lengths)
            .any(|(plane, length)| plane.len() as u64 != length)
    {
        return Err(CodecError::encode("the picture's planes do not fill its size"));
    }
    let [luma, blue, red] = planes.map(|plane| plane.as_ptr().cast_mut());
    input.0.use_argb = 0;
    input.0.colorspace = webp::WebPEncCSP::WEBP_YUV420;
    (input.0.y, input.0.u, input.0.v) = (luma, blue, red);
    input.0.y_stride = input.0.width;
    input.0.uv_stride = c_int::try_from(half.width).map_err(|_| refused())?;
    // The planes outlive the call below, at the end of which the picture is gone. Their lengths were checked, and libwebp writes to none of them: it
    // changes samples only where there is alpha (WebPCleanupTransparentArea).
    input.encode(settings)
}

impl Input {
    /// A picture of a size, without samples.
    fn new(size: Size) -> Result<Self, CodecError> {
        let (Ok(width), Ok(height)) = (c_int::try_from(size.width), c_int::try_from(size.height)) else {
            return Err(refused());
        };
        let mut this = Self(webp::WebPPicture::new().map_err(|()| refused())?);
        this.0.width = width;
        this.0.height = height;
        Ok(this)
    }

    /// Encodes the samples that were put in.
    fn encode(mut self, settings: Settings) -> Result<Vec<u8>, CodecError> {
        let mut config = webp::WebPConfig::new().map_err(|()| refused())?;
        config.quality = settings.quality;
        config.method = c_int::from(settings.method);
        config.lossless = c_int::from(settings.lossless);
        config.exact = c_int::from(settings.lossless);
        config.use_sharp_yuv = c_int::from(settings.sharp_chroma);
        config.thread_level = 0;
        // SAFETY: the config is initialised.
        if unsafe { webp::WebPValidateConfig(&raw const config) } == 0 {
            return Err(refused());
        }
        let mut out: Vec<u8> = Vec::new();
        self.0.writer = Some(append);
        self.0.custom_ptr = (&raw mut out).cast::<c_void>();
        // SAFETY: config and picture are initialised, and the picture's samples were imported or checked by whoever set them. `append` gets the
        // pointer to `out`, which outlives the call and is not used during it.
        let done = unsafe { webp::WebPEncode(&raw const config, &raw mut self.0) };
        if done == 0 {
            return Err(failure(&self.0.error_code));
        }
        Ok(out)
    }
}

fn refused() -> CodecError {
    CodecError::encode("the WebP encoder refused its settings")
}

fn failure(code: &webp::WebPEncodingError) -> CodecError {
    use webp::WebPEncodingError as E;
    CodecError::encode(match *code {
        E::VP8_ENC_ERROR_OUT_OF_MEMORY | E::VP8_ENC_ERROR_BITSTREAM_OUT_OF_MEMORY | E::VP8_ENC_ERROR_BAD_WRITE => {
            "the WebP encoder has not enough memory"
        }
        E::VP8_ENC_ERROR_BAD_DIMENSION => {
            "WebP holds at most 16,383 pixels on a side; choose another format or a smaller size"
        }
        E::VP8_ENC_ERROR_PARTITION0_OVERFLOW | E::VP8_ENC_ERROR_PARTITION_OVERFLOW | E::VP8_ENC_ERROR_FILE_TOO_BIG => {
            "the picture is too large for WebP; choose a lower quality or another format"
        }
        _ => "the WebP encoder failed",
    })
}

/// libwebp's writer: appends to the vector behind `custom_ptr`; 0 stops the encoder.
unsafe extern "C" fn append(data: *const u8, length: usize, picture: *const webp::WebPPicture) -> c_int {
    if length == 0 {
        return 1;
    }
    // SAFETY: libwebp calls with the picture given to WebPEncode, whose custom_ptr is the vector of `encode`, alive and not otherwise used; data and
    // length describe initialised bytes that do not overlap it.
    let (out, data) = unsafe {
        (
            &mut *(*picture).custom_ptr.cast::<Vec<u8>>(),
            std::slice::from_raw_parts(data, length),
        )
    };
    // A failed allocation must not unwind into C.
    if out.try_reserve(length).is_err() {
        return 0;
    }
    out.extend_from_slice(data);
    1
}
