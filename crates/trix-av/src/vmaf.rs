//! VMAF, by Netflix's library and its model `vmaf_v0.6.1`.
//!
//! Invariant: the library owns copies of all frames that it was given.

use std::{ffi::c_uint, fmt, ptr};

use libvmaf_sys as vmaf;
use trix_model::frame_facts::Plane;

/// The library's default model: a television, watched from three times its height.
const MODEL: &std::ffi::CStr = c"vmaf_v0.6.1";

/// The scores of pairs of frames.
pub struct Scorer {
    context: *mut vmaf::VmafContext,
    model: *mut vmaf::VmafModel,
    frames: c_uint,
}

/// What the library did not do, with its number for the reason (`errno`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failed {
    /// What was asked of it.
    pub what: &'static str,
    /// Its number, negative.
    pub code: i32,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VMAF: {} failed ({})", self.what, self.code)
    }
}

impl std::error::Error for Failed {}

fn checked(code: i32, what: &'static str) -> Result<(), Failed> {
    if code < 0 { Err(Failed { what, code }) } else { Ok(()) }
}

// SAFETY: the context and the model belong to the scorer alone, and the library keeps nothing for a thread.
unsafe impl Send for Scorer {}

impl Scorer {
    /// A scorer that measures with so many threads. Scores do not depend on their number.
    ///
    /// # Errors
    /// If the library has no memory, or not the model.
    pub fn new(threads: u32) -> Result<Self, Failed> {
        let mut own = Scorer { context: ptr::null_mut(), model: ptr::null_mut(), frames: 0 };
        let settings = vmaf::VmafConfiguration {
            log_level: vmaf::VmafLogLevel::VMAF_LOG_LEVEL_NONE,
            n_threads: threads,
            n_subsample: 1,
            cpumask: 0,
        };
        let mut of_model = vmaf::VmafModelConfig { name: MODEL.as_ptr(), flags: 0 };
        // SAFETY: the pointers point to places for what is made, which the scorer frees.
        unsafe {
            checked(vmaf::vmaf_init(&mut own.context, settings), "making a context")?;
            checked(vmaf::vmaf_model_load(&mut own.model, &mut of_model, MODEL.as_ptr()), "loading the model")?;
            checked(vmaf::vmaf_use_features_from_model(own.context, own.model), "choosing features")?;
        }
        Ok(own)
    }

    /// Measures the luma of the next pair of frames, of equal sizes and 8 to 16 bits.
    ///
    /// # Errors
    /// If the library refuses the size or the depth, or has no memory.
    pub fn push(&mut self, reference: Plane<'_>, distorted: Plane<'_>) -> Result<(), Failed> {
        let mut pictures = [picture(reference)?, picture(distorted)?];
        let [one, other] = &mut pictures;
        // SAFETY: the library takes both pictures, whose memory is then its own. A pair that it refuses is left to it, too: it does not
        // say whether it has released it.
        let code = unsafe { vmaf::vmaf_read_pictures(self.context, one, other, self.frames) };
        checked(code, "measuring a frame")?;
        self.frames += 1;
        Ok(())
    }

    /// The mean of the scores of all frames: 0 to 100. `None` without frames.
    ///
    /// # Errors
    /// If the library could not measure a frame.
    pub fn finish(self) -> Result<Option<f64>, Failed> {
        let Some(last) = self.frames.checked_sub(1) else { return Ok(None) };
        let mut score = 0.0;
        // SAFETY: no pictures tell the end of the film; the pointers are those of the scorer.
        unsafe {
            let end = vmaf::vmaf_read_pictures(self.context, ptr::null_mut(), ptr::null_mut(), 0);
            checked(end, "measuring the last frames")?;
            let pool = vmaf::VmafPoolingMethod::VMAF_POOL_METHOD_MEAN;
            checked(vmaf::vmaf_score_pooled(self.context, self.model, pool, &mut score, 0, last), "adding up scores")?;
        }
        Ok(Some(score))
    }
}

impl Drop for Scorer {
    fn drop(&mut self) {
        // SAFETY: both were made by the library, or are null, and nobody uses them any more.
        unsafe {
            if !self.context.is_null() {
                vmaf::vmaf_close(self.context);
            }
            if !self.model.is_null() {
                vmaf::vmaf_model_destroy(self.model);
            }
        }
    }
}

/// A copy of luma that the library owns.
fn picture(plane: Plane<'_>) -> Result<vmaf::VmafPicture, Failed> {
    let (width, height) = (plane.width as c_uint, plane.height as c_uint);
    let mut picture = std::mem::MaybeUninit::<vmaf::VmafPicture>::zeroed();
    let format = vmaf::VmafPixelFormat::VMAF_PIX_FMT_YUV400P;
    // SAFETY: the library fills in the picture, whose zeroed bytes are valid but for the enumeration, which it sets; it is used only then.
    let picture = unsafe {
        checked(
            vmaf::vmaf_picture_alloc(picture.as_mut_ptr(), format, plane.depth, width, height),
            "making a picture",
        )?;
        picture.assume_init()
    };
    let to = picture.data[0].cast::<u8>();
    for (number, row) in plane.rows().enumerate() {
        // SAFETY: the picture has as many rows, of at least so many bytes, at its own distances.
        unsafe { ptr::copy_nonoverlapping(row.as_ptr(), to.offset(number as isize * picture.stride[0]), row.len()) };
    }
    Ok(picture)
}
