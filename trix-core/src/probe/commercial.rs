//! The names under which a format is sold: IMX 30, HDV 1080i, XDCAM HD422, AVC-Intra 100, DVCPRO HD.
//!
//! Invariant: a name is given only if all facts that define its format are known and agree. Each function states which
//! facts these are.

/// Chroma subsampling as [`Facts::chroma`] has it.
const C422: (u32, u32) = (1, 0);
const C420: (u32, u32) = (1, 1);
const C411: (u32, u32) = (2, 0);

/// What decides the name of a stream.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Facts<'a> {
    /// FFmpeg's name of the codec.
    pub(super) codec: &'a str,
    /// The four-character code in the container.
    pub(super) tag: Option<&'a str>,
    /// The major brand of MP4 and MOV.
    pub(super) brand: Option<&'a str>,
    /// The program or the device that wrote the file.
    pub(super) writer: Option<&'a str>,
    /// FFmpeg's name of the profile.
    pub(super) profile: Option<&'a str>,
    /// Level in the numbers of the codec.
    pub(super) level: Option<i32>,
    /// Binary logarithm of the horizontal and vertical chroma subsampling.
    pub(super) chroma: (u32, u32),
    /// Bits per sample.
    pub(super) depth: Option<u32>,
    /// Width and height of the coded frame.
    pub(super) size: (usize, usize),
    /// True if the frames consist of two fields. `None` if no frame was decoded.
    pub(super) is_interlaced: Option<bool>,
    /// Frames per second.
    pub(super) rate: Option<f64>,
    /// True if every frame is a keyframe.
    pub(super) is_intra: bool,
    /// True for a constant bit rate, false for a variable one.
    pub(super) is_constant: Option<bool>,
    /// The bit rate that the stream states: the largest one, if it varies.
    pub(super) stated: Option<u64>,
    /// Bytes per frame, on average.
    pub(super) frame_bytes: Option<u64>,
    /// The number of objects of E-AC-3 with joint object coding.
    pub(super) joint_objects: Option<u8>,
}

/// The commercial name of a stream.
pub(super) fn name(facts: &Facts<'_>) -> Option<String> {
    let fixed = match facts.codec {
        "mpeg2video" => return mpeg2(facts),
        "h264" => return avc(facts),
        "dnxhd" => return dnx(facts),
        "dvvideo" => dv(facts)?,
        "prores" => prores(facts)?,
        "hevc" if facts.brand == Some("XAVC") => "XAVC",
        "ac3" => "Dolby Digital",
        "eac3" if facts.joint_objects.is_some() => "Dolby Digital Plus with Dolby Atmos",
        "eac3" => "Dolby Digital Plus",
        "truehd" => "Dolby TrueHD",
        _ => return None,
    };
    Some(fixed.to_owned())
}

/// True if `rate` is `megabits` Mbit/s, within two percent.
fn is_near(rate: u64, megabits: f64) -> bool {
    (rate as f64 / 1e6 - megabits).abs() <= 0.02 * megabits
}

/// Profile, level, frame size and the stated bit rate. IMX is intra only, and XDCAM is not. XDCAM HD and HDV differ in a
/// variable and a constant rate, and XDCAM EX in its tag.
fn mpeg2(facts: &Facts<'_>) -> Option<String> {
    // ISO/IEC 13818-2, tables 8-3 and 8-13.
    const MAIN_AT_HIGH_1440: i32 = 6;
    const MAIN_AT_HIGH: i32 = 4;
    const STUDIO_AT_MAIN: i32 = 5;
    const STUDIO_AT_HIGH: i32 = 2;
    let rate = facts.stated?;
    let has_tag = |start: &str| facts.tag.is_some_and(|tag| tag.starts_with(start));
    match (facts.profile?, facts.level?, facts.size) {
        // SMPTE ST 356: intra only. 32 lines of the vertical blanking interval may be coded too.
        ("4:2:2", STUDIO_AT_MAIN, (720, 480 | 486 | 512 | 576 | 608)) if facts.is_intra => {
            let found = [30, 40, 50].into_iter().find(|megabits| is_near(rate, f64::from(*megabits)));
            found.map(|megabits| format!("IMX {megabits}"))
        }
        ("4:2:2", STUDIO_AT_HIGH, (1920, 1080 | 1088) | (1280, 720)) if !facts.is_intra && is_near(rate, 50.0) => {
            Some("XDCAM HD422".into())
        }
        // SMPTE RDD 9: a variable rate of at most 18 or 35 Mbit/s.
        ("Main", MAIN_AT_HIGH_1440 | MAIN_AT_HIGH, (1440 | 1920, 1080 | 1088) | (1280, 720))
            if facts.is_constant == Some(false) && !facts.is_intra =>
        {
            let is_full = facts.size.0 != 1440;
            match () {
                () if is_near(rate, 35.0) && is_full && has_tag("xdv") => Some("XDCAM EX 35".into()),
                () if is_near(rate, 35.0) => Some("XDCAM HD 35".into()),
                () if is_near(rate, 18.0) && !is_full => Some("XDCAM HD 18".into()),
                () => None,
            }
        }
        // IEC 61834-11: a constant rate of 25 and 19 Mbit/s.
        ("Main", MAIN_AT_HIGH_1440, (1440, 1080 | 1088))
            if facts.is_constant == Some(true) && !has_tag("xdv") && is_near(rate, 25.0) =>
        {
            Some(format!("HDV 1080{}", if facts.is_interlaced? { "i" } else { "p" }))
        }
        ("Main", MAIN_AT_HIGH_1440 | MAIN_AT_HIGH, (1280, 720))
            if facts.is_constant == Some(true) && !has_tag("xdv") && (18.2e6..=20.0e6).contains(&(rate as f64)) =>
        {
            Some("HDV 720p".into())
        }
        _ => None,
    }
}

/// XAVC: the brand. AVC-Intra (SMPTE RP 2027): profile, frame size, and the number of bytes of every frame, which depends
/// on class, height and frame rate.
fn avc(facts: &Facts<'_>) -> Option<String> {
    if facts.brand == Some("XAVC") {
        return Some("XAVC".into());
    }
    // XAVC Intra of Sony has frames of the same sizes. Only its label in MXF differs, which libavformat does not pass on.
    if facts.writer.is_some_and(|writer| writer.to_ascii_lowercase().contains("sony")) {
        return None;
    }
    let bytes = facts.frame_bytes.filter(|_| facts.is_intra && facts.is_constant != Some(false))?;
    let class = match (facts.profile?, facts.size) {
        ("High 10 Intra", (1440, 1080) | (960, 720)) => &[50][..],
        ("High 4:2:2 Intra", (1920, 1080) | (1280, 720)) => &[100, 200],
        _ => return None,
    };
    // Frames of 1080 lines at 29.97 and at 25 frames a second. Frames of 720 lines have half of it. At 23.976 frames a
    // second they are as large as at 29.97.
    let budgets =
        |class: u64| [class * 4700, class * 5700].map(|bytes| if facts.size.1 == 720 { bytes / 2 } else { bytes });
    let is_near = |budget: u64| bytes.abs_diff(budget) * 100 <= budget * 6;
    class.iter().find(|class| budgets(**class).into_iter().any(is_near)).map(|class| format!("AVC-Intra {class}"))
}

/// Frame size and chroma, and the tag where these are not enough (SMPTE ST 314, ST 370; IEC 61834).
fn dv(facts: &Facts<'_>) -> Option<&'static str> {
    match (facts.size, facts.chroma) {
        ((1440 | 1280, 1080) | (960, 720), C422) => Some("DVCPRO HD"),
        ((720, 480 | 576), C422) => Some("DVCPRO 50"),
        ((720, 576), C411) => Some("DVCPRO"),
        ((720, 576), C420) => Some("DV"),
        // DV and DVCPRO at 525 lines differ only in flags, which programs set wrongly. Tags tell them apart.
        ((720, 480), C411) => match facts.tag? {
            "dvpn" => Some("DVCPRO"),
            "dvc " | "dvsd" | "dslc" => Some("DV"),
            _ => None,
        },
        _ => None,
    }
}

/// The tag, or the profile without it.
fn prores(facts: &Facts<'_>) -> Option<&'static str> {
    let by_tag = match facts.tag {
        Some("apco") => Some("Apple ProRes 422 Proxy"),
        Some("apcs") => Some("Apple ProRes 422 LT"),
        Some("apcn") => Some("Apple ProRes 422"),
        Some("apch") => Some("Apple ProRes 422 HQ"),
        Some("ap4h") => Some("Apple ProRes 4444"),
        Some("ap4x") => Some("Apple ProRes 4444 XQ"),
        _ => None,
    };
    by_tag.or(match facts.profile? {
        "Proxy" => Some("Apple ProRes 422 Proxy"),
        "LT" => Some("Apple ProRes 422 LT"),
        "Standard" => Some("Apple ProRes 422"),
        "HQ" => Some("Apple ProRes 422 HQ"),
        "4444" => Some("Apple ProRes 4444"),
        "XQ" | "4444XQ" => Some("Apple ProRes 4444 XQ"),
        _ => None,
    })
}

/// VC-3 (SMPTE ST 2019). DNxHD has its bit rate in its name, rounded by its maker; `x` stands for 10 bits.
fn dnx(facts: &Facts<'_>) -> Option<String> {
    /// Height, frames per second, and the bit rates in the names.
    const NAMES: [(usize, u32, &[u32]); 10] = [
        (1080, 24, &[36, 115, 175, 350]),
        (1080, 25, &[36, 120, 185, 365]),
        (1080, 30, &[45, 145, 220, 440]),
        (1080, 50, &[75, 240, 365, 730]),
        (1080, 60, &[90, 290, 440, 880]),
        (720, 24, &[60, 90]),
        (720, 25, &[60, 90]),
        (720, 30, &[75, 110]),
        (720, 50, &[115, 175]),
        (720, 60, &[145, 220]),
    ];
    let profile = facts.profile?;
    if let Some(kind) = profile.strip_prefix("DNXHR ") {
        return Some(format!("DNxHR {kind}"));
    }
    // Frames with fewer columns have names of their own.
    if !profile.eq_ignore_ascii_case("dnxhd") || !matches!(facts.size, (1920, 1080) | (1280, 720)) {
        return None;
    }
    let rate = facts.rate?;
    let measured = facts.frame_bytes? as f64 * 8.0 * rate / 1e6;
    let (_, _, names) = NAMES.iter().find(|(height, fps, _)| *height == facts.size.1 && *fps == rate.round() as u32)?;
    let off = |name: &u32| (f64::from(*name) - measured).abs();
    let nearest = names.iter().min_by(|a, b| off(a).total_cmp(&off(b))).filter(|name| off(name) <= 0.08 * measured)?;
    Some(format!("DNxHD {nearest}{}", if facts.depth? > 8 { "x" } else { "" }))
}

#[cfg(test)]
mod tests {
    use super::{name as called, *};

    const IMX: Facts<'static> = Facts {
        codec: "mpeg2video",
        tag: None,
        brand: None,
        writer: None,
        profile: Some("4:2:2"),
        level: Some(5),
        chroma: C422,
        depth: Some(8),
        size: (720, 608),
        is_interlaced: Some(true),
        rate: Some(25.0),
        is_intra: true,
        is_constant: Some(true),
        stated: Some(50_000_000),
        frame_bytes: Some(250_000),
        joint_objects: None,
    };

    #[test]
    fn mpeg2_of_tape_and_disc_is_named() {
        assert_eq!(called(&IMX).as_deref(), Some("IMX 50"));
        assert_eq!(called(&Facts { stated: Some(30_000_000), size: (720, 512), ..IMX }).as_deref(), Some("IMX 30"));
        // 35 Mbit/s, long GOP and another size are no IMX.
        for other in [
            Facts { stated: Some(35_000_000), ..IMX },
            Facts { is_intra: false, ..IMX },
            Facts { size: (1440, 1080), ..IMX },
            Facts { stated: None, ..IMX },
            Facts { profile: None, ..IMX },
        ] {
            assert_eq!(called(&other), None, "{other:?}");
        }
        let disc = Facts { level: Some(2), size: (1920, 1080), is_intra: false, ..IMX };
        assert_eq!(called(&disc).as_deref(), Some("XDCAM HD422"));
        let tape = Facts {
            profile: Some("Main"),
            level: Some(6),
            chroma: C420,
            size: (1440, 1080),
            is_intra: false,
            stated: Some(25_000_000),
            ..IMX
        };
        assert_eq!(called(&tape).as_deref(), Some("HDV 1080i"));
        assert_eq!(called(&Facts { is_interlaced: Some(false), ..tape }).as_deref(), Some("HDV 1080p"));
        assert_eq!(called(&Facts { is_interlaced: None, ..tape }), None);
        assert_eq!(called(&Facts { is_constant: None, ..tape }), None);
        let small = Facts { size: (1280, 720), stated: Some(19_700_000), ..tape };
        assert_eq!(called(&small).as_deref(), Some("HDV 720p"));
        let varied = Facts { is_constant: Some(false), stated: Some(35_000_000), ..tape };
        assert_eq!(called(&varied).as_deref(), Some("XDCAM HD 35"));
        let full = Facts { size: (1920, 1080), level: Some(4), tag: Some("xdvc"), ..varied };
        assert_eq!(called(&full).as_deref(), Some("XDCAM EX 35"));
        let unseen = Facts { is_interlaced: None, stated: Some(18_000_000), ..varied };
        assert_eq!(called(&unseen).as_deref(), Some("XDCAM HD 18"));
    }

    #[test]
    fn avc_intra_is_known_by_the_size_of_its_frames() {
        let hundred = Facts {
            codec: "h264",
            profile: Some("High 4:2:2 Intra"),
            size: (1920, 1080),
            frame_bytes: Some(568_320),
            ..IMX
        };
        assert_eq!(called(&hundred).as_deref(), Some("AVC-Intra 100"));
        assert_eq!(called(&Facts { frame_bytes: Some(472_576), ..hundred }).as_deref(), Some("AVC-Intra 100"));
        assert_eq!(called(&Facts { frame_bytes: Some(1_144_320), ..hundred }).as_deref(), Some("AVC-Intra 200"));
        let small = Facts { size: (1280, 720), frame_bytes: Some(284_672), ..hundred };
        assert_eq!(called(&small).as_deref(), Some("AVC-Intra 100"));
        let fifty = Facts { profile: Some("High 10 Intra"), size: (1440, 1080), frame_bytes: Some(280_320), ..hundred };
        assert_eq!(called(&fifty).as_deref(), Some("AVC-Intra 50"));
        for other in [
            Facts { frame_bytes: Some(700_000), ..hundred },
            Facts { is_intra: false, ..hundred },
            Facts { writer: Some("SONY XAVC 1.0"), ..hundred },
            Facts { is_constant: Some(false), ..hundred },
            Facts { profile: Some("High 4:2:2"), ..hundred },
        ] {
            assert_eq!(called(&other), None, "{other:?}");
        }
        assert_eq!(called(&Facts { brand: Some("XAVC"), ..hundred }).as_deref(), Some("XAVC"));
    }

    #[test]
    fn dv_prores_and_dnx_are_named() {
        let dv = |size, chroma, tag| called(&Facts { codec: "dvvideo", size, chroma, tag, ..IMX });
        assert_eq!(dv((720, 576), C420, None).as_deref(), Some("DV"));
        assert_eq!(dv((720, 576), C411, None).as_deref(), Some("DVCPRO"));
        assert_eq!(dv((720, 480), C422, None).as_deref(), Some("DVCPRO 50"));
        assert_eq!(dv((1440, 1080), C422, None).as_deref(), Some("DVCPRO HD"));
        assert_eq!(dv((720, 480), C411, Some("dvc ")).as_deref(), Some("DV"));
        assert_eq!(dv((720, 480), C411, None), None);
        let prores = |tag, profile| called(&Facts { codec: "prores", tag, profile, ..IMX });
        assert_eq!(prores(Some("apch"), Some("HQ")).as_deref(), Some("Apple ProRes 422 HQ"));
        assert_eq!(prores(None, Some("Standard")).as_deref(), Some("Apple ProRes 422"));
        assert_eq!(prores(None, None), None);
        let dnx = |size, rate, depth, bytes| {
            let profile = Some("DNXHD");
            let (rate, depth, frame_bytes) = (Some(rate), Some(depth), Some(bytes));
            called(&Facts { codec: "dnxhd", size, rate, depth, frame_bytes, profile, ..IMX })
        };
        assert_eq!(dnx((1920, 1080), 25.0, 8, 606_208).as_deref(), Some("DNxHD 120"));
        assert_eq!(dnx((1920, 1080), 24.0 / 1.001, 10, 917_504).as_deref(), Some("DNxHD 175x"));
        assert_eq!(dnx((1280, 720), 50.0, 8, 303_104).as_deref(), Some("DNxHD 115"));
        assert_eq!(dnx((1920, 1080), 25.0, 8, 50_000), None);
        let hr = Facts { codec: "dnxhd", profile: Some("DNXHR HQX"), ..IMX };
        assert_eq!(called(&hr).as_deref(), Some("DNxHR HQX"));
    }

    #[test]
    fn dolby_is_named() {
        assert_eq!(called(&Facts { codec: "ac3", ..IMX }).as_deref(), Some("Dolby Digital"));
        let objects = Facts { codec: "eac3", joint_objects: Some(16), ..IMX };
        assert_eq!(called(&objects).as_deref(), Some("Dolby Digital Plus with Dolby Atmos"));
        assert_eq!(called(&Facts { codec: "aac", ..IMX }), None);
    }
}
