//! Places in a stream, as Python says them.

use pyo3::{exceptions::PyValueError, prelude::*};
use trix_core::{
    media::time::{Rational, Timestamp},
    reading::{frames::Place, samples::SamplePlace},
};

/// A place in a stream: a number, or a time in seconds as numerator and denominator.
#[derive(FromPyObject)]
pub enum PlaceArgument {
    Number(u64),
    Time(i64, i64),
}

impl PlaceArgument {
    fn time(num: i64, den: i64) -> PyResult<Timestamp> {
        let base = Rational::new(1, den);
        if den > 0 { Ok(Timestamp::new(num, base)) } else { Err(PyValueError::new_err("a time has no denominator")) }
    }

    /// The place of a frame.
    ///
    /// # Errors
    /// `ValueError` for a time without a denominator.
    pub fn frame(&self) -> PyResult<Place> {
        Ok(match *self {
            PlaceArgument::Number(number) => number.into(),
            PlaceArgument::Time(num, den) => PlaceArgument::time(num, den)?.into(),
        })
    }

    /// The place of a sample.
    ///
    /// # Errors
    /// `ValueError` for a time without a denominator.
    pub fn sample(&self) -> PyResult<SamplePlace> {
        Ok(match *self {
            PlaceArgument::Number(number) => number.into(),
            PlaceArgument::Time(num, den) => PlaceArgument::time(num, den)?.into(),
        })
    }
}
