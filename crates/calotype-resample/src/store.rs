//! The last rows of a source.

/// Samples of a cache line, in bytes: rows begin on one.
const LINE_BYTES: usize = 64;

/// The last rows, each at its number modulo how many are held.
#[derive(Debug)]
pub(crate) struct Ring<T> {
    data: Vec<T>,
    /// Samples before the first row, so that it begins on a cache line.
    before: usize,
    /// Samples from a row to the next.
    stride: usize,
    /// Samples of a row.
    length: usize,
    rows: usize,
}

impl<T: Copy + Default> Ring<T> {
    pub(crate) fn new(rows: usize, length: usize) -> Self {
        let stride = stride::<T>(length);
        let data = vec![T::default(); rows * stride + LINE_BYTES];
        let before = data.as_ptr().align_offset(LINE_BYTES).min(LINE_BYTES);
        Self {
            data,
            before,
            stride,
            length,
            rows,
        }
    }

    /// Bytes that such a ring takes.
    pub(crate) fn bytes(rows: u64, length: usize) -> u64 {
        let samples = rows * stride::<T>(length) as u64 + LINE_BYTES as u64;
        samples * size_of::<T>() as u64
    }

    #[cfg(test)]
    pub(crate) fn held_bytes(&self) -> usize {
        self.data.capacity() * size_of::<T>()
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    fn begin(&self, row: u32) -> usize {
        self.before + (row as usize % self.rows) * self.stride
    }

    pub(crate) fn row(&self, row: u32) -> &[T] {
        let begin = self.begin(row);
        self.data.get(begin..begin + self.length).unwrap_or_default()
    }

    pub(crate) fn row_mut(&mut self, row: u32) -> &mut [T] {
        let begin = self.begin(row);
        self.data.get_mut(begin..begin + self.length).unwrap_or_default()
    }
}

/// An odd number of cache lines: rows that lie a power of two apart would share the same few places of the processor's cache.
fn stride<T>(length: usize) -> usize {
    let per_line = LINE_BYTES / size_of::<T>();
    (length.div_ceil(per_line) | 1) * per_line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_begin_on_a_cache_line_and_are_told_apart() {
        let mut ring = Ring::<i16>::new(3, 128);
        for row in 0..7_i16 {
            ring.row_mut(u32::try_from(row).unwrap()).fill(row);
        }
        for row in 4..7_i16 {
            let samples = ring.row(u32::try_from(row).unwrap());
            assert_eq!(samples, [row; 128]);
            assert_eq!(samples.as_ptr().align_offset(LINE_BYTES), 0);
        }
    }
}
