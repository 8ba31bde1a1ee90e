//! A reader of NUT as ffmpeg writes raw frames in it: each frame with its time.
//!
//! It reads one video stream of frames that all have one size. Invariant: no input makes it panic or
//! allocate more than the named limits. It knows nothing of pixel formats. Source: the NUT specification,
//! version 4, and what `libavformat/nutenc.c` writes.

use std::io::{self, Read};

use thiserror::Error;

/// Reads the frames of one stream.
#[derive(Debug)]
pub struct NutReader<R> {
    input: R,
    header: MainHeader,
    stream: StreamHeader,
    /// The time of the frame before, in ticks of the stream.
    last_ticks: i64,
}

/// Why there are no more frames, when that is not the end of the stream.
#[derive(Debug, Error)]
pub enum NutError {
    /// The stream ends within a frame or a header.
    #[error("the stream ends too early")]
    Truncated,
    /// The bytes are not NUT as this reader knows it.
    #[error("the stream is no NUT: {0}")]
    Malformed(&'static str),
    /// A frame has another size than the buffer for it.
    #[error("a frame has {found} bytes instead of {expected}")]
    FrameSize { expected: usize, found: u64 },
    /// The pipe failed.
    #[error("the stream cannot be read: {0}")]
    Io(io::Error),
}

const FILE_ID: &[u8; 25] = b"nut/multimedia container\0";
const MAIN_STARTCODE: u64 = 0x4E4D_7A56_1F5F_04AD;
const STREAM_STARTCODE: u64 = 0x4E53_1140_5BF2_F9DB;
const SYNCPOINT_STARTCODE: u64 = 0x4E4B_E4AD_EECA_4569;
/// The first byte of every start code; no frame code.
const STARTCODE_BYTE: u8 = b'N';
/// A header packet of ffmpeg has a few hundred bytes, one with long metadata some thousands.
const MAX_PACKET_BYTES: u64 = 1 << 20;
/// A header that is longer has a checksum of its own.
const SHORT_PACKET_BYTES: u64 = 4096;
const MAX_TIME_BASES: u64 = 16;
/// ffmpeg writes 7 elision headers.
const MAX_ELISION_HEADERS: u64 = 128;

/// Flags of a frame, as in the specification.
mod flag {
    pub const CODED_PTS: u64 = 8;
    pub const STREAM_ID: u64 = 16;
    pub const SIZE_MSB: u64 = 32;
    pub const CHECKSUM: u64 = 64;
    pub const RESERVED: u64 = 128;
    pub const SIDE_DATA: u64 = 256;
    pub const HEADER_INDEX: u64 = 1024;
    pub const MATCH_TIME: u64 = 2048;
    pub const CODED_FLAGS: u64 = 4096;
    pub const INVALID: u64 = 8192;
}

#[derive(Clone, Copy, Debug)]
struct TimeBase {
    num: u64,
    den: u64,
}

/// What a frame code stands for.
#[derive(Clone, Copy, Debug)]
struct FrameCode {
    flags: u64,
    pts_delta: i64,
    size_mul: u64,
    size_lsb: u64,
    stream_id: u64,
    reserved: u64,
    header_index: u64,
}

#[derive(Debug)]
struct MainHeader {
    time_bases: Vec<TimeBase>,
    /// 256 of them.
    frame_codes: Vec<FrameCode>,
    /// Bytes that frames begin with and that are left out there.
    elision_headers: Vec<Vec<u8>>,
}

#[derive(Debug)]
struct StreamHeader {
    time_base: TimeBase,
    time_base_id: u64,
    msb_pts_shift: u32,
}

impl<R: Read> NutReader<R> {
    /// Reads up to the end of the stream's header.
    pub fn open(mut input: R) -> Result<Self, NutError> {
        let mut id = [0; FILE_ID.len()];
        read_exact(&mut input, &mut id)?;
        if &id != FILE_ID {
            return Err(NutError::Malformed("no file id"));
        }
        let mut header = None;
        loop {
            let mut first = [0];
            read_exact(&mut input, &mut first)?;
            if first != [STARTCODE_BYTE] {
                return Err(NutError::Malformed("a frame before the headers"));
            }
            let (startcode, payload) = read_packet(&mut input)?;
            match (startcode, &header) {
                (MAIN_STARTCODE, None) => header = Some(MainHeader::parse(&payload)?),
                (STREAM_STARTCODE, Some(main)) => {
                    let stream = StreamHeader::parse(&payload, main)?;
                    let Some(header) = header else { return Err(NutError::Malformed("no main header")) };
                    return Ok(Self { input, header, stream, last_ticks: 0 });
                }
                _ => {}
            }
        }
    }

    /// Fills `buffer` with the next frame; returns its time in microseconds, or `None` at the end.
    pub fn next_frame(&mut self, buffer: &mut [u8]) -> Result<Option<i64>, NutError> {
        loop {
            let mut code = [0];
            match self.input.read(&mut code) {
                Ok(0) => return Ok(None),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(NutError::Io(error)),
            }
            let [code] = code;
            if code == STARTCODE_BYTE {
                let (startcode, payload) = read_packet(&mut self.input)?;
                if startcode == SYNCPOINT_STARTCODE {
                    self.apply_syncpoint(&payload)?;
                }
                continue;
            }
            return self.read_frame(code, buffer).map(Some);
        }
    }

    fn read_frame(&mut self, code: u8, buffer: &mut [u8]) -> Result<i64, NutError> {
        let Some(code) = self.header.frame_codes.get(usize::from(code)).copied() else {
            return Err(NutError::Malformed("no such frame code"));
        };
        let input = &mut self.input;
        let mut flags = code.flags;
        if flags & flag::INVALID != 0 {
            return Err(NutError::Malformed("an invalid frame code"));
        }
        if flags & flag::CODED_FLAGS != 0 {
            flags ^= read_varint(input)?;
        }
        let stream_id = if flags & flag::STREAM_ID != 0 { read_varint(input)? } else { code.stream_id };
        if stream_id != 0 {
            return Err(NutError::Malformed("more than one stream"));
        }
        let ticks = if flags & flag::CODED_PTS != 0 {
            let coded = read_varint(input)?;
            self.stream.full_pts(coded, self.last_ticks)?
        } else {
            self.last_ticks.saturating_add(code.pts_delta)
        };
        let size = if flags & flag::SIZE_MSB != 0 {
            let high = read_varint(input)?.checked_mul(code.size_mul);
            high.and_then(|high| high.checked_add(code.size_lsb)).ok_or(NutError::Malformed("a size"))?
        } else {
            code.size_lsb
        };
        if flags & flag::MATCH_TIME != 0 {
            read_varint(input)?;
        }
        let header_index =
            if flags & flag::HEADER_INDEX != 0 { read_varint(input)? } else { code.header_index };
        let reserved = if flags & flag::RESERVED != 0 { read_varint(input)? } else { code.reserved };
        if reserved > 16 {
            return Err(NutError::Malformed("reserved fields"));
        }
        for _ in 0..reserved {
            read_varint(input)?;
        }
        if flags & flag::CHECKSUM != 0 {
            read_exact(input, &mut [0; 4])?;
        }
        if flags & flag::SIDE_DATA != 0 {
            return Err(NutError::Malformed("side data in a raw frame"));
        }
        if size != buffer.len() as u64 {
            return Err(NutError::FrameSize { expected: buffer.len(), found: size });
        }
        let elided = usize::try_from(header_index).ok().and_then(|n| self.header.elision_headers.get(n));
        let Some(elided) = elided else { return Err(NutError::Malformed("no such elision header")) };
        let Some((start, rest)) = buffer.split_at_mut_checked(elided.len()) else {
            return Err(NutError::Malformed("a frame that is shorter than its elided start"));
        };
        start.copy_from_slice(elided);
        read_exact(input, rest)?;
        self.last_ticks = ticks;
        self.stream.time_base.microseconds(ticks)
    }

    /// A sync point says from which time the next coded times count.
    fn apply_syncpoint(&mut self, payload: &[u8]) -> Result<(), NutError> {
        let mut payload = payload;
        let coded = read_varint(&mut payload)?;
        let count = self.header.time_bases.len() as u64;
        let id = coded.checked_rem(count).unwrap_or(0);
        let ticks = i64::try_from(coded.checked_div(count).unwrap_or(0)).unwrap_or(i64::MAX);
        self.last_ticks = if id == self.stream.time_base_id {
            ticks
        } else {
            let base = usize::try_from(id).ok().and_then(|id| self.header.time_bases.get(id));
            let Some(base) = base else { return Err(NutError::Malformed("a time base")) };
            base.rescale(ticks, self.stream.time_base)?
        };
        Ok(())
    }
}

impl MainHeader {
    fn parse(payload: &[u8]) -> Result<Self, NutError> {
        let input = &mut &*payload;
        let version = read_varint(input)?;
        if !(2..=4).contains(&version) {
            return Err(NutError::Malformed("an unknown version"));
        }
        if version > 3 {
            let _minor_version = read_varint(input)?;
        }
        let streams = read_varint(input)?;
        if streams != 1 {
            return Err(NutError::Malformed("more than one stream"));
        }
        let _max_distance = read_varint(input)?;
        let count = read_varint(input)?;
        if !(1..=MAX_TIME_BASES).contains(&count) {
            return Err(NutError::Malformed("the number of time bases"));
        }
        let mut time_bases = Vec::new();
        for _ in 0..count {
            let base = TimeBase { num: read_varint(input)?, den: read_varint(input)? };
            if base.num == 0 || base.den == 0 {
                return Err(NutError::Malformed("a time base"));
            }
            time_bases.push(base);
        }
        let frame_codes = read_frame_codes(input)?;
        let headers = read_varint(input)?;
        if headers > MAX_ELISION_HEADERS {
            return Err(NutError::Malformed("the number of elision headers"));
        }
        let mut elision_headers = vec![Vec::new()];
        for _ in 0..headers {
            let length = usize::try_from(read_varint(input)?).unwrap_or(usize::MAX);
            let Some((header, rest)) = input.split_at_checked(length) else {
                return Err(NutError::Truncated);
            };
            elision_headers.push(header.to_vec());
            *input = rest;
        }
        Ok(Self { time_bases, frame_codes, elision_headers })
    }
}

/// The table of frame codes: runs of codes that differ by the low part of the size.
fn read_frame_codes(input: &mut &[u8]) -> Result<Vec<FrameCode>, NutError> {
    const CODES: usize = 256;
    let invalid = FrameCode {
        flags: flag::INVALID,
        pts_delta: 0,
        size_mul: 1,
        size_lsb: 0,
        stream_id: 0,
        reserved: 0,
        header_index: 0,
    };
    let mut codes = Vec::with_capacity(CODES);
    let (mut pts_delta, mut size_mul, mut stream_id, mut header_index) = (0, 1, 0, 0);
    while codes.len() < CODES {
        let flags = read_varint(input)?;
        let fields = read_varint(input)?;
        let mut field = |number: u64| if fields > number { read_varint(input).map(Some) } else { Ok(None) };
        if let Some(value) = field(0)? {
            pts_delta = signed(value);
        }
        size_mul = field(1)?.unwrap_or(size_mul);
        stream_id = field(2)?.unwrap_or(stream_id);
        let size = field(3)?.unwrap_or(0);
        let reserved = field(4)?.unwrap_or(0);
        let count = field(5)?.unwrap_or(size_mul.saturating_sub(size));
        field(6)?;
        header_index = field(7)?.unwrap_or(header_index);
        for number in 8..fields {
            field(number)?;
        }
        if count == 0 && codes.len() != usize::from(STARTCODE_BYTE) {
            return Err(NutError::Malformed("a run of no frame codes"));
        }
        let mut run = 0;
        while run < count && codes.len() < CODES {
            if codes.len() == usize::from(STARTCODE_BYTE) {
                codes.push(invalid);
                continue;
            }
            let size_lsb = size.saturating_add(run);
            codes.push(FrameCode { flags, pts_delta, size_mul, size_lsb, stream_id, reserved, header_index });
            run += 1;
        }
    }
    Ok(codes)
}

impl StreamHeader {
    fn parse(payload: &[u8], main: &MainHeader) -> Result<Self, NutError> {
        const VIDEO: u64 = 0;
        let input = &mut &*payload;
        let _stream_id = read_varint(input)?;
        if read_varint(input)? != VIDEO {
            return Err(NutError::Malformed("a stream that is no video"));
        }
        let fourcc_bytes = usize::try_from(read_varint(input)?).unwrap_or(usize::MAX);
        let Some((_fourcc, rest)) = input.split_at_checked(fourcc_bytes) else {
            return Err(NutError::Truncated);
        };
        *input = rest;
        let time_base_id = read_varint(input)?;
        let time_base = usize::try_from(time_base_id).ok().and_then(|id| main.time_bases.get(id).copied());
        let Some(time_base) = time_base else { return Err(NutError::Malformed("a time base")) };
        let msb_pts_shift = u32::try_from(read_varint(input)?).unwrap_or(u32::MAX);
        if msb_pts_shift > 32 {
            return Err(NutError::Malformed("a shift of times"));
        }
        Ok(Self { time_base, time_base_id, msb_pts_shift })
    }

    /// The time behind a coded one: its low bits, nearest to the last time, or the whole of it.
    fn full_pts(&self, coded: u64, last: i64) -> Result<i64, NutError> {
        let wide = i64::try_from(coded).map_err(|_| NutError::Malformed("a time"))?;
        let span = 1_i64 << self.msb_pts_shift;
        if wide >= span {
            return Ok(wide - span);
        }
        let mask = span - 1;
        let delta = last.saturating_sub(mask / 2);
        Ok((wide.wrapping_sub(delta) & mask).saturating_add(delta))
    }
}

impl TimeBase {
    fn microseconds(self, ticks: i64) -> Result<i64, NutError> {
        self.rescale(ticks, TimeBase { num: 1, den: 1_000_000 })
    }

    /// Rounds to the nearest tick of the other base.
    fn rescale(self, ticks: i64, to: TimeBase) -> Result<i64, NutError> {
        let out_of_range = NutError::Malformed("a time out of range");
        let num = i128::from(self.num).checked_mul(i128::from(to.den));
        let den = i128::from(self.den).checked_mul(i128::from(to.num));
        let (Some(num), Some(den)) = (num, den) else { return Err(out_of_range) };
        let Some(scaled) = i128::from(ticks).checked_mul(num) else { return Err(out_of_range) };
        let rounded = scaled.saturating_add(den / 2).div_euclid(den);
        i64::try_from(rounded).map_err(|_| out_of_range)
    }
}

/// Reads a packet whose first byte has been read: its start code and what is in it.
fn read_packet(input: &mut impl Read) -> Result<(u64, Vec<u8>), NutError> {
    let mut startcode = [STARTCODE_BYTE, 0, 0, 0, 0, 0, 0, 0];
    let [_, rest @ ..] = &mut startcode;
    read_exact(input, rest)?;
    let bytes = read_varint(input)?;
    if bytes > SHORT_PACKET_BYTES {
        read_exact(input, &mut [0; 4])?;
    }
    if bytes > MAX_PACKET_BYTES {
        return Err(NutError::Malformed("a header that is too long"));
    }
    let mut payload = Vec::new();
    let read = input.by_ref().take(bytes).read_to_end(&mut payload).map_err(NutError::Io)?;
    if (read as u64) < bytes {
        return Err(NutError::Truncated);
    }
    Ok((u64::from_be_bytes(startcode), payload))
}

/// Groups of seven bits, the highest first; the top bit says that another follows.
fn read_varint(input: &mut impl Read) -> Result<u64, NutError> {
    let mut value = 0_u64;
    loop {
        let mut byte = [0];
        read_exact(input, &mut byte)?;
        let [byte] = byte;
        if value >> 57 != 0 {
            return Err(NutError::Malformed("a number that is too large"));
        }
        value = (value << 7) | u64::from(byte & 0x7F);
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
}

/// The signed form of a number: 0, 1, -1, 2, -2, ...
fn signed(value: u64) -> i64 {
    let half = i64::try_from(value.saturating_add(1) / 2).unwrap_or(i64::MAX);
    if value & 1 == 1 { half } else { -half }
}

fn read_exact(input: &mut impl Read, buffer: &mut [u8]) -> Result<(), NutError> {
    input.read_exact(buffer).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => NutError::Truncated,
        _ => NutError::Io(error),
    })
}

#[cfg(test)]
mod tests;
