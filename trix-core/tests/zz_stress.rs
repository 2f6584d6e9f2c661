//! x
mod support;
use support::*;
use trix_core::spec::video::*;
#[test]
fn stress() {
    let clip = trix_fixtures::Clip::default();
    let folder = trix_fixtures::folder();
    for (enc, rate, params) in [
        (Encoder::X264, RateControl::Lossless, "threads=1"),
        (Encoder::X264, RateControl::Crf{value:23.0}, "threads=1"),
        (Encoder::X265, RateControl::Lossless, "pools=1 frame-threads=1"),
        (Encoder::X265, RateControl::Crf{value:23.0}, "pools=1 frame-threads=1"),
        (Encoder::X264, RateControl::Crf{value:23.0}, "threads=1"),
    ] {
        let mut first = None;
        let mut bad = vec![];
        for i in 0..20 {
            let out = folder.path().join(format!("{i}.mp4"));
            let mut s = quick(params);
            s.preset = Some("fast".into());
            s.rate = Some(rate);
            let mut job = picture_job(&clip.y4m(), &out, enc, s);
            job.output.overwrite = true;
            let report = done(&job);
            let _ = report;
            let sl = slices(&out, enc);
            match &first { None => first = Some(sl), Some(f) => if *f != sl { bad.push((i, f.iter().zip(&sl).position(|(a,b)| a!=b))) } }
        }
        println!("{enc} {rate:?} bad {bad:?}");
    }
}
