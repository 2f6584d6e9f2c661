//! Parameters of encoders that share one analysis.
//!
//! Invariant: a combination that was not tried with two encoders of different depths is refused.

use std::ffi::{c_char, c_int};

use x265_sys as x265;

use super::{
    analysis::{Refinement, Role},
    parameters::Parameters,
};

/// x265 asks only whether there is a name: analyses go from encoder to encoder, and not through files.
const NAME: *const c_char = c"".as_ptr();

/// The level at which all decisions are given on.
const ALL: c_int = 10;

/// The refinement between samples that suffices for a follower (`subme`).
const SUBPEL: c_int = 2;

/// The most frames that the lookahead of x265 can tell a follower about (`X265_LOOKAHEAD_MAX` and one).
const MOST_AHEAD: c_int = 251;

impl Parameters {
    /// Makes the encoder lead or follow in a group that shares one analysis. The size of frames has to be set.
    pub fn share(&mut self, role: Role) {
        let raw = self.raw_mut();
        raw.bUseAnalysisFile = 0;
        // Followers take the types of frames and the costs of the lookahead, too.
        raw.bDisableLookahead = 1;
        let unit = (raw.minCUSize as c_int).max(1);
        let padding = |size: c_int| (unit - (size & (unit - 1))) & (unit - 1);
        raw.confWinRightOffset = padding(raw.sourceWidth);
        raw.confWinBottomOffset = padding(raw.sourceHeight);
        match role {
            Role::Lead => {
                raw.analysisSave = NAME;
                raw.analysisSaveReuseLevel = ALL;
            }
            Role::Follower(Refinement { intra, inter, mv }) => {
                raw.analysisLoad = NAME;
                raw.analysisLoadReuseLevel = ALL;
                raw.intraRefine = intra as c_int;
                raw.interRefine = inter as c_int;
                raw.mvRefine = mv as c_int;
                // A search begins at the motion that the lead has found. A longer one finds the same, and takes up to twice the time.
                raw.searchMethod = x265::X265_ME_METHODS_X265_DIA_SEARCH as c_int;
                raw.subpelRefine = raw.subpelRefine.min(SUBPEL);
            }
        }
    }

    /// The option for which an encoder with these parameters can neither lead nor follow, with the reason. `None`: it can do both.
    pub fn unshareable(&self) -> Option<(&'static str, &'static str)> {
        let raw = self.raw();
        let (has_buffer, is_on) = (raw.rc.vbvBufferSize > 0, |flag: c_int| flag != 0);
        let untried = "it was not tried with a shared analysis";
        let refused = [
            (
                "pass",
                is_on(raw.rc.bStatRead) || is_on(raw.rc.bStatWrite),
                "an encode of two passes is analysed for itself",
            ),
            (
                "cutree",
                !is_on(raw.rc.cuTree) && is_on(raw.rc.aqMode),
                "without it, x265 gives no offsets of quantisers on",
            ),
            ("hevc-aq", is_on(raw.rc.hevcAq), "x265 gives no offsets of quantisers on"),
            (
                "rc-lookahead",
                has_buffer && raw.lookaheadDepth + raw.bframes + 2 > MOST_AHEAD,
                "it is too long for a buffer model",
            ),
            ("refine-ctu-distortion", is_on(raw.ctuDistortionRefine), "its record differs between depths"),
            ("multi-pass-opt-analysis", is_on(raw.analysisMultiPassRefine), untried),
            ("multi-pass-opt-distortion", is_on(raw.analysisMultiPassDistortion), untried),
            ("scale-factor", is_on(raw.scaleFactor), untried),
            ("dynamic-refine", is_on(raw.bDynamicRefine), untried),
            ("dynamic-rd", raw.dynamicRd > 0.0, untried),
            ("ctu-info", is_on(raw.bCTUInfo), untried),
            ("scenecut-aware-qp", is_on(raw.bEnableSceneCutAwareQp), untried),
            ("hme", is_on(raw.bEnableHME), untried),
            ("frame-dup", is_on(raw.bEnableFrameDuplication), untried),
            ("fades", is_on(raw.bEnableFades), untried),
            ("field", is_on(raw.bField), untried),
            ("interlace", is_on(raw.interlaceMode), untried),
            ("hist-scenecut", is_on(raw.bHistBasedSceneCut), untried),
            ("svt", is_on(raw.bEnableSvtHevc), untried),
            ("opt-cu-delta-qp", is_on(raw.bOptCUDeltaQP), untried),
            ("rd-refine", is_on(raw.bEnableRdRefine), untried),
        ];
        refused.into_iter().find_map(|(option, applies, reason)| applies.then_some((option, reason)))
    }
}
