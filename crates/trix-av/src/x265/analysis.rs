//! What an x265 encoder has decided about a frame, for other encoders to reuse.
//!
//! An encoder that leads gives an [`Analysis`] with each coded frame: the tree of coding units, their modes and motion, the offsets of
//! their quantisers, and the decisions of the lookahead. Encoders that follow take it with the same frame, at any bit depth.
//!
//! Invariant: an analysis owns copies of everything that it points to. x265 frees its own records, and never ours.

use std::ptr;

use x265_sys as x265;

/// The part of an encoder in a group that shares one analysis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It analyses, and gives its decisions to others.
    Lead,
    /// It takes the decisions of a lead, and reconsiders some.
    Follower(Refinement),
}

/// What a follower reconsiders, in the levels of x265's options `refine-intra`, `refine-inter` and `refine-mv`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refinement {
    /// 0 to 4; 3: all modes of intra blocks.
    pub intra: u32,
    /// 0 to 3; 0: nothing; 3: all modes and motion of blocks whose size is given.
    pub inter: u32,
    /// 1 to 3: candidates for motion vectors.
    pub mv: u32,
}

/// The decisions of an encoder about a frame.
pub struct Analysis {
    /// Its pointers point into `parts`, `intra` and `inter`, or are null.
    data: Box<x265::x265_analysis_data>,
    intra: Option<Box<x265::x265_analysis_intra_data>>,
    inter: Option<Box<x265::x265_analysis_inter_data>>,
    /// Copies of the arrays, with the alignment of their largest elements.
    parts: Vec<Box<[u64]>>,
    depth: u32,
}

// SAFETY: the pointers point to memory that the analysis owns, and nothing writes to it.
unsafe impl Send for Analysis {}
// SAFETY: nothing writes to it after it was made.
unsafe impl Sync for Analysis {}

/// What an encoder puts into its analyses.
#[derive(Clone, Copy)]
pub(super) struct Contents {
    depth: u32,
    /// Planes with weights.
    planes: usize,
    /// True if the arrays of the buffer model are there.
    has_buffer: bool,
    /// True if frames that may use two lists can have intra blocks.
    has_intra_in_b: bool,
}

impl Contents {
    /// What an encoder with these parameters puts into its analyses.
    pub(super) fn of(parameters: &x265::x265_param) -> Self {
        Contents {
            depth: parameters.internalBitDepth as u32,
            planes: if parameters.internalCsp == x265::X265_CSP_I400 as i32 { 1 } else { 3 },
            has_buffer: parameters.rc.vbvMaxBitrate > 0 && parameters.rc.vbvBufferSize > 0,
            has_intra_in_b: parameters.bIntraInBFrames != 0,
        }
    }
}

/// The shape of a frame in the arrays of its analysis.
#[derive(Clone, Copy)]
struct Shape {
    /// Entries of an array with one entry for each coding unit and prediction unit.
    units: usize,
    /// Entries of an array with one for each block of 4x4 samples.
    blocks: usize,
}

impl Analysis {
    /// Copies what an encoder says about a frame.
    ///
    /// # Safety
    /// `data` is what the encoder of these `contents` returned with its last frame, and it was not called since.
    pub(super) unsafe fn copy(data: &x265::x265_analysis_data, contents: Contents) -> Self {
        let shape = Shape {
            units: data.depthBytes as usize,
            blocks: data.numCUsInFrame as usize * data.numPartitions as usize,
        };
        let mut own =
            Analysis { data: Box::new(*data), intra: None, inter: None, parts: Vec::new(), depth: contents.depth };
        own.data.wt = ptr::null_mut();
        own.data.interData = ptr::null_mut();
        own.data.intraData = ptr::null_mut();
        own.data.distortionData = ptr::null_mut();
        own.data.modeFlag = [ptr::null_mut(); 2];
        // SAFETY: promised by the caller.
        unsafe { own.copy_lookahead(data, contents.has_buffer) };
        let kind = data.sliceType;
        if kind == x265::X265_TYPE_IDR || kind == x265::X265_TYPE_I {
            // SAFETY: promised by the caller; x265 fills these arrays for frames of intra blocks.
            unsafe { own.copy_intra(data, shape, true) };
            return own;
        }
        let lists = if kind == x265::X265_TYPE_P { 1 } else { 2 };
        // SAFETY: promised by the caller; x265 fills these arrays for frames of inter blocks.
        unsafe {
            own.data.wt = own.part(data.wt, contents.planes * lists);
            own.copy_inter(data, shape, lists);
            if lists == 1 || contents.has_intra_in_b {
                own.copy_intra(data, shape, false);
            }
        }
        own
    }

    /// Copies `count` elements. Null stays null.
    ///
    /// # Safety
    /// `from` is null, or points to as many elements.
    unsafe fn part<T: Copy>(&mut self, from: *const T, count: usize) -> *mut T {
        const { assert!(align_of::<T>() <= align_of::<u64>()) };
        if from.is_null() {
            return ptr::null_mut();
        }
        let mut part = vec![0u64; (count * size_of::<T>()).div_ceil(size_of::<u64>())].into_boxed_slice();
        let to = part.as_mut_ptr().cast::<T>();
        // SAFETY: `from` has as many elements, as the caller promises, and the new part is as large.
        unsafe { ptr::copy_nonoverlapping(from, to, count) };
        self.parts.push(part);
        to
    }

    /// # Safety
    /// As [`Analysis::copy`].
    unsafe fn copy_lookahead(&mut self, data: &x265::x265_analysis_data, has_buffer: bool) {
        let (rows, units) = (data.numCuInHeight as usize, data.numCUsInFrame as usize);
        let from = &data.lookahead;
        let own = |this: &mut Self, array: *const u32, count: usize| match has_buffer {
            // SAFETY: with a buffer model, x265 fills these arrays.
            true => unsafe { this.part(array, count) },
            false => ptr::null_mut(),
        };
        self.data.lookahead.vbvCost = own(self, from.vbvCost, units);
        self.data.lookahead.intraVbvCost = own(self, from.intraVbvCost, units);
        self.data.lookahead.satdForVbv = own(self, from.satdForVbv, rows);
        self.data.lookahead.intraSatdForVbv = own(self, from.intraSatdForVbv, rows);
    }

    /// # Safety
    /// As [`Analysis::copy`].
    unsafe fn copy_intra(&mut self, data: &x265::x265_analysis_data, shape: Shape, is_whole: bool) {
        // SAFETY: x265 gives a record of intra blocks, or null.
        let Some(from) = (unsafe { data.intraData.as_ref() }) else { return };
        let units = if is_whole { shape.units } else { 0 };
        // SAFETY: x265 filled the arrays, which have at least so many entries.
        let own = unsafe {
            x265::x265_analysis_intra_data {
                depth: self.part(from.depth, units),
                modes: self.part(from.modes, shape.blocks),
                partSizes: self.part(from.partSizes, units),
                chromaModes: self.part(from.chromaModes, shape.units),
                cuQPOff: self.part(from.cuQPOff, units),
            }
        };
        self.data.intraData = ptr::from_mut(self.intra.insert(Box::new(own)));
    }

    /// # Safety
    /// As [`Analysis::copy`].
    unsafe fn copy_inter(&mut self, data: &x265::x265_analysis_data, shape: Shape, lists: usize) {
        // SAFETY: x265 gives a record of inter blocks, or null.
        let Some(from) = (unsafe { data.interData.as_ref() }) else { return };
        let units = shape.units;
        // SAFETY: x265 filled the arrays, which have at least so many entries; those of the second list if there is one.
        let own = unsafe {
            x265::x265_analysis_inter_data {
                ref_: ptr::null_mut(),
                depth: self.part(from.depth, units),
                modes: self.part(from.modes, units),
                partSize: self.part(from.partSize, units),
                mergeFlag: self.part(from.mergeFlag, units),
                interDir: self.part(from.interDir, units),
                mvpIdx: [self.part(from.mvpIdx[0], units), self.of_list(from.mvpIdx[1], units, lists)],
                refIdx: [self.part(from.refIdx[0], units), self.of_list(from.refIdx[1], units, lists)],
                mv: [self.part(from.mv[0], units), self.of_list(from.mv[1], units, lists)],
                sadCost: ptr::null_mut(),
                cuQPOff: self.part(from.cuQPOff, units),
            }
        };
        self.data.interData = ptr::from_mut(self.inter.insert(Box::new(own)));
    }

    /// An array of the second list.
    ///
    /// # Safety
    /// As [`Analysis::part`], if there are two lists.
    unsafe fn of_list<T: Copy>(&mut self, from: *const T, count: usize, lists: usize) -> *mut T {
        // SAFETY: promised by the caller.
        if lists > 1 { unsafe { self.part(from, count) } } else { ptr::null_mut() }
    }

    /// The number of the frame that it is about.
    pub fn frame(&self) -> u64 {
        u64::from(self.data.poc)
    }
}

/// A description of an analysis for an encoder of another depth. It points to the arrays of the analysis, or to its own.
pub(super) struct Scaled {
    pub(super) data: Box<x265::x265_analysis_data>,
    /// Keeps the arrays of costs.
    _costs: [Vec<u32>; 4],
}

impl Analysis {
    /// The same for an encoder of `depth` bits: x265 compares costs of the lookahead with those of its own depth, and does not convert
    /// them.
    pub(super) fn scaled(&self, depth: u32) -> Scaled {
        let mut data = self.data.clone();
        let shift = |cost: i64| match depth.checked_sub(self.depth) {
            Some(more) => cost << more,
            None => cost >> (self.depth - depth),
        };
        data.satdCost = shift(data.satdCost);
        data.lookahead.plannedSatd.iter_mut().for_each(|cost| *cost = shift(*cost));
        let (rows, units) = (data.numCuInHeight as usize, data.numCUsInFrame as usize);
        let mut costs: [Vec<u32>; 4] = Default::default();
        let own = &mut data.lookahead;
        let arrays = [
            (&mut own.vbvCost, units),
            (&mut own.intraVbvCost, units),
            (&mut own.satdForVbv, rows),
            (&mut own.intraSatdForVbv, rows),
        ];
        for (costs, (array, count)) in costs.iter_mut().zip(arrays) {
            if !array.is_null() {
                // SAFETY: the array was copied with so many elements.
                let known = unsafe { std::slice::from_raw_parts(*array, count) };
                costs.extend(known.iter().map(|cost| shift((*cost).into()) as u32));
                *array = costs.as_mut_ptr();
            }
        }
        Scaled { data, _costs: costs }
    }
}

const _: () = {
    const fn is_shared<T: Send + Sync>() {}
    is_shared::<Analysis>();
};
