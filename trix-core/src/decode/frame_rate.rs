//! The frame rate that a container states.

use trix_av::stream::StreamFacts;
use trix_model::time::Rational;

/// The frame rate for frames without times: the average rate, else the base rate, else 25.
pub(crate) fn frame_rate(facts: &StreamFacts) -> Rational {
    let usable = |rate: &Rational| rate.is_positive() && *rate < Rational::new(1000, 1);
    [facts.average_rate, facts.base_rate].into_iter().find(usable).unwrap_or(Rational::new(25, 1))
}

/// True if the container's own figures indicate unevenly spaced frames. Interlaced material may count fields.
pub(crate) fn is_uneven(facts: &StreamFacts) -> bool {
    let (average, base) = (facts.average_rate, facts.base_rate);
    average.is_positive()
        && base.is_positive()
        && base != average
        && base != Rational::new(2 * average.num, average.den)
}
