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

use crate::{Chroma, CodecError, YccPicture};

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
    /// Something was wrong and was passed over.
    is_damaged: bool,
}

impl Errors {
    fn new() -> Box<Self> {
        // SAFETY: all fields of the struct are numbers, nullable pointers and optional functions: zeroes are a value.
        let manager: ffi::jpeg_error_mgr = unsafe { mem::zeroed() };
        let mut errors = Box::new(Self {
            manager,
            ran_dry: false,
            warnings: 0,
            is_damaged: false,
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
        errors.ran_dry |= code == ffi::JWRN_HIT_MARKER as c_int;
        if code == ffi::JWRN_JFIF_MAJOR as c_int || code == ffi::JWRN_ADOBE_XFORM as c_int {
            return;
        }
        errors.warnings = errors.warnings.saturating_add(1);
        // Padding before a marker is nothing to speak of: some cameras leave it.
        errors.is_damaged |= code != ffi::JWRN_EXTRANEOUS_DATA as c_int;
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

/// What planes hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PlaneColor {
    Gray,
    Ycc,
    Rgb,
    Cmyk,
    Ycck,
}

/// One plane of a decompressor.
#[derive(Debug, Clone, Copy)]
pub(super) struct PlaneShape {
    /// The samples that mean something.
    pub(super) size: Size,
    /// Samples for one pixel of the picture, across and down.
    pub(super) per_pixel: (f64, f64),
    /// Samples of a row with those that only fill a block.
    pub(super) stride: u32,
    /// Rows that come at once.
    pub(super) rows: u32,
}

impl PlaneShape {
    /// Bytes of its buffer: the rows that come at once, and what a vector may write beside the last.
    pub(super) fn buffer_bytes(&self) -> usize {
        self.stride as usize * self.rows as usize + 64
    }
}

/// What a decompressor gives that was started for planes.
#[derive(Debug)]
pub(super) struct Planes {
    pub(super) shapes: Vec<PlaneShape>,
    /// Output rows, of the plane with the most samples, that come at once.
    rows: u32,
    /// The picture at full size.
    pub(super) stored: Size,
    /// Output rows in all.
    height: u32,
    pub(super) color: PlaneColor,
}

impl Planes {
    /// A buffer for each plane, for [`Decompressor::read_planes`].
    pub(super) fn buffers(&self) -> Vec<Vec<u8>> {
        self.shapes.iter().map(|shape| vec![0; shape.buffer_bytes()]).collect()
    }

    /// How often [`Decompressor::read_planes`] is to be called.
    pub(super) fn turns(&self) -> u32 {
        self.height.div_ceil(self.rows.max(1))
    }
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

    /// Starts decoding at 1/`scale` to planes, as the file has them.
    pub(super) fn start_planes(&mut self, scale: u8) -> Result<Planes, CodecError> {
        let cinfo = &mut *self.cinfo;
        cinfo.scale_num = 1;
        cinfo.scale_denom = scale.into();
        cinfo.out_color_space = cinfo.jpeg_color_space;
        cinfo.raw_data_out = 1;
        // SAFETY: the header has been read.
        catch_unwind(AssertUnwindSafe(|| unsafe { ffi::jpeg_start_decompress(cinfo) })).map_err(reading)?;
        let count = usize::try_from(cinfo.num_components).unwrap_or(0);
        if !matches!(count, 1 | 3 | 4) || cinfo.comp_info.is_null() {
            return Err(CodecError::corrupt("its components do not make colours"));
        }
        // SAFETY: the library keeps as many descriptions as it has components, until it is destroyed.
        let components = unsafe { std::slice::from_raw_parts(cinfo.comp_info, count) };
        let factor = |value: c_int| u32::try_from(value).unwrap_or(0).clamp(1, 4);
        let across = components.iter().map(|c| factor(c.h_samp_factor)).max().unwrap_or(1);
        let down = components.iter().map(|c| factor(c.v_samp_factor)).max().unwrap_or(1);
        let block = 8 / u32::from(scale.clamp(1, 8));
        let shapes = components
            .iter()
            .map(|component| {
                let (h, v) = (factor(component.h_samp_factor), factor(component.v_samp_factor));
                // Components with fewer samples are scaled down less, as far as their blocks allow (jdmaster.c).
                let mut side = block;
                while side < 8
                    && (across * block).is_multiple_of(h * side * 2)
                    && (down * block).is_multiple_of(v * side * 2)
                {
                    side *= 2;
                }
                // Sides fit 16 bits and factors are at most 4, so nothing overflows.
                let blocks = |px: u32, factor: u32, most: u32| (px * factor).div_ceil(8 * most);
                let samples = |px: u32, factor: u32, most: u32| (px * factor * side).div_ceil(8 * most);
                PlaneShape {
                    size: Size::new(
                        samples(cinfo.image_width, h, across),
                        samples(cinfo.image_height, v, down),
                    ),
                    per_pixel: (
                        f64::from(h * side) / f64::from(across * 8),
                        f64::from(v * side) / f64::from(down * 8),
                    ),
                    stride: blocks(cinfo.image_width, h, across).next_multiple_of(h) * side,
                    rows: v * side,
                }
            })
            .collect();
        Ok(Planes {
            shapes,
            rows: down * block,
            stored: Size::new(cinfo.image_width, cinfo.image_height),
            height: cinfo.output_height,
            color: match cinfo.jpeg_color_space {
                ffi::J_COLOR_SPACE::JCS_GRAYSCALE => PlaneColor::Gray,
                ffi::J_COLOR_SPACE::JCS_YCbCr => PlaneColor::Ycc,
                ffi::J_COLOR_SPACE::JCS_RGB => PlaneColor::Rgb,
                ffi::J_COLOR_SPACE::JCS_CMYK => PlaneColor::Cmyk,
                ffi::J_COLOR_SPACE::JCS_YCCK => PlaneColor::Ycck,
                _ => return Err(CodecError::corrupt("its components do not make colours")),
            },
        })
    }

    /// Reads the next row of blocks into one buffer for each plane, each of `rows` rows of `stride` samples of its shape.
    pub(super) fn read_planes(&mut self, planes: &Planes, buffers: &mut [Vec<u8>]) -> Result<(), CodecError> {
        let cinfo = &mut *self.cinfo;
        assert_eq!(planes.shapes.len(), buffers.len());
        let mut rows = [[ptr::null_mut::<u8>(); 32]; 4];
        for ((rows, shape), buffer) in rows.iter_mut().zip(&planes.shapes).zip(buffers.iter_mut()) {
            let stride = shape.stride as usize;
            assert!(shape.rows as usize <= rows.len() && buffer.len() >= stride * shape.rows as usize);
            for (row, samples) in rows.iter_mut().zip(buffer.chunks_exact_mut(stride.max(1))) {
                *row = samples.as_mut_ptr();
            }
        }
        let mut arrays = rows.each_mut().map(|rows| rows.as_mut_ptr());
        // SAFETY: decoding to planes has been started; each array has as many rows as the library writes at once for its
        // component (its vertical factor times the side of its blocks), each as long as all of its blocks (checked above).
        let got = catch_unwind(AssertUnwindSafe(|| unsafe {
            ffi::jpeg_read_raw_data(cinfo, arrays.as_mut_ptr(), planes.rows)
        }))
        .map_err(reading)?;
        if got == planes.rows {
            Ok(())
        } else {
            Err(CodecError::corrupt("the file ends before the picture does"))
        }
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

    /// Whether anything was wrong and was passed over.
    pub(super) fn is_damaged(&self) -> bool {
        self.errors.is_damaged
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

/// What a compressor takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Input {
    /// RGB rows.
    Rows,
    /// Planes of luma and chroma, chroma halved both ways or not as [`Settings::full_chroma`] says.
    Planes,
}

/// A compressor of RGB rows or of planes that writes to memory.
pub(super) struct Compressor {
    cinfo: Box<ffi::jpeg_compress_struct>,
    destination: Box<Destination>,
    _errors: Box<Errors>,
}

impl Compressor {
    /// Writes the first markers.
    pub(super) fn start(size: Size, settings: Settings, input: Input) -> Result<Self, CodecError> {
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
                cinfo.in_color_space = match input {
                    Input::Rows => ffi::J_COLOR_SPACE::JCS_RGB,
                    Input::Planes => ffi::J_COLOR_SPACE::JCS_YCbCr,
                };
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
                cinfo.raw_data_in = ffi::boolean::from(input == Input::Planes);
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

    /// Takes the planes of a picture, of the sizes that the settings imply, in whole blocks: what a block lacks is made
    /// of the last column and row.
    pub(super) fn planes(&mut self, picture: &YccPicture, full_chroma: bool) -> Result<(), CodecError> {
        let factor = if full_chroma { 1usize } else { 2 };
        let chroma = if full_chroma { Chroma::Full } else { Chroma::Half };
        assert_eq!(picture.chroma(), chroma);
        let cinfo = &mut *self.cinfo;
        assert_eq!(picture.size(), Size::new(cinfo.image_width, cinfo.image_height));
        let size = picture.size();
        let mcus = (size.width as usize).div_ceil(8 * factor);
        // Rows of one line of MCUs: so many blocks of luma and of each chroma plane, side by side and one below the other.
        let shape = |plane: usize| {
            let factor = if plane == 0 { factor } else { 1 };
            (mcus * 8 * factor, 8 * factor)
        };
        let mut strips = [0, 1, 2].map(|plane| {
            let (stride, rows) = shape(plane);
            vec![0u8; stride * rows]
        });
        for line in 0..(size.height as usize).div_ceil(8 * factor) {
            let mut rows = [[ptr::null::<u8>(); 16]; 3];
            for (plane, (strip, rows)) in strips.iter_mut().zip(&mut rows).enumerate() {
                let (stride, count) = shape(plane);
                let width = picture.plane_size(plane).width as usize;
                let height = picture.plane_size(plane).height as usize;
                for (index, (to, row)) in strip.chunks_exact_mut(stride).zip(rows).enumerate() {
                    let y = (line * count + index).min(height.saturating_sub(1));
                    let from = picture.plane(plane).get(y * width..(y + 1) * width).unwrap_or_default();
                    let (inside, beyond) = to.split_at_mut(width);
                    inside.copy_from_slice(from);
                    beyond.fill(from.last().copied().unwrap_or(0));
                    *row = to.as_ptr();
                }
            }
            let arrays = rows.each_ref().map(|rows| rows.as_ptr());
            let wanted = u32::try_from(8 * factor).unwrap_or(8);
            // SAFETY: compression of planes has been started; there are as many rows for each component as its blocks
            // have in one line of MCUs, each as long as all of its blocks.
            let taken = catch_unwind(AssertUnwindSafe(|| unsafe {
                ffi::jpeg_write_raw_data(cinfo, arrays.as_ptr().cast(), wanted)
            }))
            .map_err(writing)?;
            if taken != wanted {
                return Err(CodecError::encode("the JPEG encoder refused the picture"));
            }
        }
        Ok(())
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
