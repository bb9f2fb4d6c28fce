//! The only place that calls the JPEG library. It reports errors by unwinding through its own frames (it is built with
//! unwind tables for that); every call is caught here.

#![allow(unsafe_code)]

use std::any::Any;
use std::marker::PhantomData;
use std::mem;
use std::os::raw::c_int;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr;

use calotype_plan::Size;
use mozjpeg_sys as ffi;

use crate::CodecError;

/// What travels while unwinding: the library's message code.
struct Fatal(c_int);

/// The library's error manager with our notes behind it.
#[repr(C)]
struct Errors {
    manager: ffi::jpeg_error_mgr,
    /// Data ended inside a scan, and the library made the rest up.
    ran_dry: bool,
    /// Complaints about coded data; what it says of headers alone changes no sample.
    warnings: u32,
}

impl Errors {
    fn new() -> Box<Self> {
        // SAFETY: all fields of the struct are numbers, nullable pointers and optional functions: zeroes are a value.
        let manager: ffi::jpeg_error_mgr = unsafe { mem::zeroed() };
        let mut errors = Box::new(Self {
            manager,
            ran_dry: false,
            warnings: 0,
        });
        // SAFETY: the struct is ours and lives long enough.
        unsafe { ffi::jpeg_std_error(&mut errors.manager) };
        errors.manager.error_exit = Some(on_error);
        errors.manager.emit_message = Some(on_message);
        errors
    }
}

extern "C-unwind" fn on_error(cinfo: &mut ffi::jpeg_common_struct) {
    // SAFETY: `err` points to the `Errors` that was set before the first call.
    let code = unsafe { (*cinfo.err).msg_code };
    // Does not run the panic hook: nothing is printed.
    resume_unwind(Box::new(Fatal(code)));
}

extern "C-unwind" fn on_message(cinfo: &mut ffi::jpeg_common_struct, level: c_int) {
    if level < 0 {
        // SAFETY: `err` points to the first field of an `Errors` (repr(C)), which nobody else holds a reference to
        // during a call.
        let errors = unsafe { &mut *cinfo.err.cast::<Errors>() };
        let code = errors.manager.msg_code;
        if code == ffi::JWRN_HIT_MARKER as c_int {
            errors.ran_dry = true;
        }
        if code != ffi::JWRN_JFIF_MAJOR as c_int && code != ffi::JWRN_ADOBE_XFORM as c_int {
            errors.warnings = errors.warnings.saturating_add(1);
        }
    }
}

/// The library's objection in our words.
fn reading(payload: Box<dyn Any + Send>) -> CodecError {
    let code = payload.downcast_ref::<Fatal>().map_or(0, |fatal| fatal.0);
    CodecError::corrupt(match code {
        c if c == ffi::JERR_BAD_HUFF_TABLE as c_int || c == ffi::JERR_NO_HUFF_TABLE as c_int => {
            "a Huffman table is bad or missing"
        }
        c if c == ffi::JERR_NO_QUANT_TABLE as c_int || c == ffi::JERR_DQT_INDEX as c_int => {
            "a quantisation table is bad or missing"
        }
        c if c == ffi::JERR_BAD_PROGRESSION as c_int => "the parameters of a progressive pass are bad",
        c if c == ffi::JERR_BAD_LENGTH as c_int => "a segment has a bad length",
        c if c == ffi::JERR_NO_IMAGE as c_int
            || c == ffi::JERR_SOS_NO_SOF as c_int
            || c == ffi::JERR_SOF_NO_SOS as c_int =>
        {
            "it holds no picture"
        }
        c if c == ffi::JERR_BAD_SAMPLING as c_int => "the sampling factors are bad",
        _ => "its JPEG data cannot be read",
    })
}

fn writing(_: Box<dyn Any + Send>) -> CodecError {
    CodecError::encode("the JPEG encoder refused the picture")
}

/// What the library shall give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Samples {
    Rgb,
    Cmyk,
}

/// The samples of one component in one MCU row.
#[derive(Debug)]
pub(super) struct Strip {
    /// Samples of the whole component that belong to the picture.
    pub(super) width: u32,
    pub(super) height: u32,
    /// Samples from one row to the next.
    pub(super) stride: usize,
    /// Rows of a strip; the last strip has fewer of meaning.
    pub(super) rows: usize,
    pub(super) samples: Vec<u8>,
}

/// A decompressor that reads from memory.
pub(super) struct Decompressor<'a> {
    cinfo: Box<ffi::jpeg_decompress_struct>,
    errors: Box<Errors>,
    bytes: PhantomData<&'a [u8]>,
}

impl<'a> Decompressor<'a> {
    /// Reads the header.
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, CodecError> {
        let errors = Errors::new();
        // SAFETY: zeroes are what the library asks for before it creates the object.
        let cinfo: Box<ffi::jpeg_decompress_struct> = Box::new(unsafe { mem::zeroed() });
        let mut this = Self {
            cinfo,
            errors,
            bytes: PhantomData,
        };
        this.cinfo.common.err = ptr::from_mut(&mut *this.errors).cast();
        let cinfo = &mut *this.cinfo;
        catch_unwind(AssertUnwindSafe(|| {
            // SAFETY: the object and its error manager are boxed, so they do not move; `bytes` outlives `this` by its
            // lifetime.
            unsafe {
                ffi::jpeg_create_decompress(cinfo);
                ffi::jpeg_mem_src(cinfo, bytes.as_ptr(), bytes.len() as _);
                ffi::jpeg_read_header(cinfo, 1);
            }
        }))
        .map_err(reading)?;
        Ok(this)
    }

    /// Starts decoding at 1/`scale` and gives the size of what will come.
    pub(super) fn start(&mut self, scale: u8, samples: Samples) -> Result<Size, CodecError> {
        let cinfo = &mut *self.cinfo;
        cinfo.scale_num = 1;
        cinfo.scale_denom = scale.into();
        cinfo.out_color_space = match samples {
            Samples::Rgb => ffi::J_COLOR_SPACE::JCS_RGB,
            Samples::Cmyk => ffi::J_COLOR_SPACE::JCS_CMYK,
        };
        // SAFETY: the header has been read.
        catch_unwind(AssertUnwindSafe(|| unsafe { ffi::jpeg_start_decompress(cinfo) })).map_err(reading)?;
        let channels = if samples == Samples::Rgb { 3 } else { 4 };
        if cinfo.output_components != channels {
            return Err(CodecError::corrupt("its components do not make colours"));
        }
        Ok(Size::new(cinfo.output_width, cinfo.output_height))
    }

    /// Fills `out` with the next rows, each of `stride` bytes: a row of the started size.
    pub(super) fn read_rows(&mut self, out: &mut [u8], stride: usize) -> Result<(), CodecError> {
        let cinfo = &mut *self.cinfo;
        assert!(stride >= cinfo.output_width as usize * usize::try_from(cinfo.output_components).unwrap_or(usize::MAX));
        catch_unwind(AssertUnwindSafe(|| {
            for row in out.chunks_exact_mut(stride) {
                let mut row = row.as_mut_ptr();
                // SAFETY: one row, as long as the library will write (checked above); decoding has been started.
                let got = unsafe { ffi::jpeg_read_scanlines(cinfo, &mut row, 1) };
                if got != 1 {
                    return Err(CodecError::corrupt("the file ends before the picture does"));
                }
            }
            Ok(())
        }))
        .map_err(reading)?
    }

    /// Starts decoding at 1/`scale` to planes as they are stored: neither chroma enlarged nor colours converted.
    pub(super) fn start_planes(&mut self, scale: u8) -> Result<Vec<Strip>, CodecError> {
        let cinfo = &mut *self.cinfo;
        cinfo.scale_num = 1;
        cinfo.scale_denom = scale.into();
        cinfo.out_color_space = cinfo.jpeg_color_space;
        cinfo.raw_data_out = 1;
        // SAFETY: the header has been read.
        catch_unwind(AssertUnwindSafe(|| unsafe { ffi::jpeg_start_decompress(cinfo) })).map_err(reading)?;
        let side_min = 8 / u32::from(scale.clamp(1, 8));
        let number = |value: c_int| u32::try_from(value).unwrap_or(0).max(1);
        let (across, down) = (number(cinfo.max_h_samp_factor), number(cinfo.max_v_samp_factor));
        // SAFETY: the library has this many of them, and they are not changed while the slice is in use.
        let components =
            unsafe { std::slice::from_raw_parts(cinfo.comp_info, usize::try_from(cinfo.num_components).unwrap_or(0)) };
        Ok(components
            .iter()
            .map(|component| {
                let (h, v) = (number(component.h_samp_factor), number(component.v_samp_factor));
                // The library transforms components of fewer samples at a larger size where it divides well.
                let mut side = side_min;
                while side < 8
                    && (across * side_min).is_multiple_of(h * side * 2)
                    && (down * side_min).is_multiple_of(v * side * 2)
                {
                    side *= 2;
                }
                let stride = (component.width_in_blocks * side) as usize;
                let rows = (v * side) as usize;
                Strip {
                    width: (cinfo.image_width * h * side).div_ceil(across * 8),
                    height: (cinfo.image_height * v * side).div_ceil(down * 8),
                    stride,
                    // One row more: what the library writes beside the samples of a row falls into the next one.
                    samples: vec![0; stride * (rows + 1) + 64],
                    rows,
                }
            })
            .collect())
    }

    /// Reads the next MCU row into the strips of [`Self::start_planes`].
    pub(super) fn read_planes(&mut self, strips: &mut [Strip]) -> Result<(), CodecError> {
        let cinfo = &mut *self.cinfo;
        let mut rows: Vec<Vec<*mut u8>> = strips
            .iter_mut()
            .map(|strip| {
                let stride = strip.stride;
                strip
                    .samples
                    .chunks_mut(stride)
                    .take(strip.rows)
                    .map(<[u8]>::as_mut_ptr)
                    .collect()
            })
            .collect();
        let mut planes: Vec<*mut *mut u8> = rows.iter_mut().map(Vec::as_mut_ptr).collect();
        // SAFETY: as many planes, rows and samples as the library writes, by the shapes of `start_planes`.
        let got = catch_unwind(AssertUnwindSafe(|| unsafe {
            ffi::jpeg_read_raw_data(cinfo, planes.as_mut_ptr(), u32::MAX)
        }))
        .map_err(reading)?;
        if got == 0 {
            return Err(CodecError::corrupt("the file ends before the picture does"));
        }
        Ok(())
    }

    /// Ends decoding after the last row, which looks at what follows.
    pub(super) fn finish(&mut self) -> Result<(), CodecError> {
        let cinfo = &mut *self.cinfo;
        // SAFETY: decoding has been started; the library objects, by unwinding, if rows were not read.
        catch_unwind(AssertUnwindSafe(|| unsafe { ffi::jpeg_finish_decompress(cinfo) })).map_err(reading)?;
        Ok(())
    }

    /// How often the library complained of coded data that it decoded all the same.
    pub(super) fn warnings(&self) -> u32 {
        self.errors.warnings
    }

    /// Whether data was missing inside a scan.
    pub(super) fn ran_dry(&self) -> bool {
        self.errors.ran_dry
    }
}

impl Drop for Decompressor<'_> {
    fn drop(&mut self) {
        // SAFETY: destroying is allowed in every state, also for an object whose creation failed, and unwinds in none.
        unsafe { ffi::jpeg_destroy_decompress(&mut self.cinfo) };
    }
}

/// How to compress.
#[derive(Debug, Clone, Copy)]
pub(super) struct Settings {
    pub(super) quality: u8,
    pub(super) progressive: bool,
    pub(super) full_chroma: bool,
}

/// The library's destination manager with our buffers behind it.
#[repr(C)]
struct Destination {
    manager: ffi::jpeg_destination_mgr,
    piece: [u8; Self::PIECE],
    out: Vec<u8>,
}

impl Destination {
    const PIECE: usize = 1 << 14;

    fn rewind(&mut self) {
        self.manager.next_output_byte = self.piece.as_mut_ptr();
        self.manager.free_in_buffer = Self::PIECE as _;
    }
}

extern "C-unwind" fn start_output(cinfo: &mut ffi::jpeg_compress_struct) {
    // SAFETY: `dest` points to the first field of a `Destination` (repr(C)).
    unsafe { &mut *cinfo.dest.cast::<Destination>() }.rewind();
}

extern "C-unwind" fn output_is_full(cinfo: &mut ffi::jpeg_compress_struct) -> ffi::boolean {
    // SAFETY: as above.
    let destination = unsafe { &mut *cinfo.dest.cast::<Destination>() };
    destination.out.extend_from_slice(&destination.piece);
    destination.rewind();
    1
}

extern "C-unwind" fn end_output(cinfo: &mut ffi::jpeg_compress_struct) {
    // SAFETY: as above.
    let destination = unsafe { &mut *cinfo.dest.cast::<Destination>() };
    let used = Destination::PIECE.saturating_sub(destination.manager.free_in_buffer);
    let Destination { piece, out, .. } = destination;
    out.extend_from_slice(piece.get(..used).unwrap_or_default());
}

/// A compressor of RGB rows that writes to memory.
pub(super) struct Compressor {
    cinfo: Box<ffi::jpeg_compress_struct>,
    destination: Box<Destination>,
    _errors: Box<Errors>,
}

impl Compressor {
    /// Writes the first markers.
    pub(super) fn start(size: Size, settings: Settings) -> Result<Self, CodecError> {
        let mut errors = Errors::new();
        // SAFETY: numbers, nullable pointers and optional functions.
        let manager: ffi::jpeg_destination_mgr = unsafe { mem::zeroed() };
        let mut destination = Box::new(Destination {
            manager,
            piece: [0; Destination::PIECE],
            out: Vec::new(),
        });
        destination.manager.init_destination = Some(start_output);
        destination.manager.empty_output_buffer = Some(output_is_full);
        destination.manager.term_destination = Some(end_output);
        // SAFETY: zeroes are what the library asks for before it creates the object.
        let mut cinfo: Box<ffi::jpeg_compress_struct> = Box::new(unsafe { mem::zeroed() });
        cinfo.common.err = ptr::from_mut(&mut *errors).cast();
        let mut this = Self {
            cinfo,
            destination,
            _errors: errors,
        };
        let dest = ptr::from_mut(&mut *this.destination).cast();
        let cinfo = &mut *this.cinfo;
        catch_unwind(AssertUnwindSafe(|| {
            // SAFETY: the object, its error manager and its destination are boxed, so they do not move while `this`
            // lives. Calls are in the order that libjpeg.txt prescribes.
            unsafe {
                ffi::jpeg_create_compress(cinfo);
                cinfo.dest = dest;
                cinfo.image_width = size.width;
                cinfo.image_height = size.height;
                cinfo.input_components = 3;
                cinfo.in_color_space = ffi::J_COLOR_SPACE::JCS_RGB;
                ffi::jpeg_set_defaults(cinfo);
                // The defaults of the library are for smallest files at any price.
                for switch in [
                    ffi::J_BOOLEAN_PARAM::JBOOLEAN_OPTIMIZE_SCANS,
                    ffi::J_BOOLEAN_PARAM::JBOOLEAN_TRELLIS_QUANT,
                    ffi::J_BOOLEAN_PARAM::JBOOLEAN_TRELLIS_QUANT_DC,
                    // Its overshoot leaves the range of the vector transform where black and white stripes alternate,
                    // and the block comes out inverted.
                    ffi::J_BOOLEAN_PARAM::JBOOLEAN_OVERSHOOT_DERINGING,
                ] {
                    ffi::jpeg_c_set_bool_param(cinfo, switch, 0);
                }
                cinfo.scan_info = ptr::null();
                cinfo.num_scans = 0;
                cinfo.optimize_coding = 1;
                ffi::jpeg_set_quality(cinfo, settings.quality.into(), 1);
                if settings.progressive {
                    ffi::jpeg_simple_progression(cinfo);
                }
                if let Some(luma) = cinfo.comp_info.as_mut() {
                    let factor = if settings.full_chroma { 1 } else { 2 };
                    (luma.h_samp_factor, luma.v_samp_factor) = (factor, factor);
                }
                ffi::jpeg_start_compress(cinfo, 1);
            }
        }))
        .map_err(writing)?;
        Ok(this)
    }

    /// Writes a segment of at most 65,533 bytes, before the rows.
    pub(super) fn marker(&mut self, marker: u8, content: &[u8]) -> Result<(), CodecError> {
        let cinfo = &mut *self.cinfo;
        let length =
            u16::try_from(content.len()).map_err(|_| CodecError::encode("a metadata block is too long for JPEG"))?;
        // SAFETY: compression has been started; the pointer is good for the length.
        catch_unwind(AssertUnwindSafe(|| unsafe {
            ffi::jpeg_write_marker(cinfo, marker.into(), content.as_ptr(), length.into());
        }))
        .map_err(writing)
    }

    /// Takes all rows.
    pub(super) fn rows(&mut self, data: &[u8], stride: usize) -> Result<(), CodecError> {
        let cinfo = &mut *self.cinfo;
        assert!(stride >= cinfo.image_width as usize * 3);
        catch_unwind(AssertUnwindSafe(|| {
            for row in data.chunks_exact(stride) {
                let row = row.as_ptr();
                // SAFETY: one row of the started width (checked above).
                unsafe { ffi::jpeg_write_scanlines(cinfo, &row, 1) };
            }
        }))
        .map_err(writing)
    }

    /// Ends the file.
    pub(super) fn finish(mut self) -> Result<Vec<u8>, CodecError> {
        let cinfo = &mut *self.cinfo;
        // SAFETY: compression has been started; the library objects, by unwinding, if rows are missing.
        catch_unwind(AssertUnwindSafe(|| unsafe { ffi::jpeg_finish_compress(cinfo) })).map_err(writing)?;
        Ok(mem::take(&mut self.destination.out))
    }
}

impl Drop for Compressor {
    fn drop(&mut self) {
        // SAFETY: destroying is allowed in every state and unwinds in none.
        unsafe { ffi::jpeg_destroy_compress(&mut self.cinfo) };
    }
}
