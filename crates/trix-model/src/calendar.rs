//! The Gregorian calendar.

/// Number of days of `month` in `year`. `None` for a month that does not exist.
///
/// ```
/// use trix_model::calendar::days_of;
/// assert_eq!((days_of(2023, 2), days_of(2024, 2), days_of(2100, 2)), (Some(28), Some(29), Some(28)));
/// assert_eq!((days_of(2024, 4), days_of(2024, 12), days_of(2024, 13)), (Some(30), Some(31), None));
/// ```
pub fn days_of(year: u16, month: u8) -> Option<u8> {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 => Some(if is_leap { 29 } else { 28 }),
        4 | 6 | 9 | 11 => Some(30),
        1..=12 => Some(31),
        _ => None,
    }
}
