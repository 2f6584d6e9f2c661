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

/// Year, month and day that lie `days` days after 1970-01-01. `None` if `days` is within two thousand years
/// of `i64::MAX`.
///
/// ```
/// use trix_model::calendar::date_of;
/// assert_eq!((date_of(0), date_of(-1)), (Some((1970, 1, 1)), Some((1969, 12, 31))));
/// assert_eq!((date_of(11_016), date_of(20_453)), (Some((2000, 2, 29)), Some((2025, 12, 31))));
/// assert_eq!((date_of(i64::MAX), date_of(i64::MIN).is_some()), (None, true));
/// ```
pub fn date_of(days: i64) -> Option<(i64, u8, u8)> {
    // Howard Hinnant, "chrono-compatible low-level date algorithms", civil_from_days: years begin in March, so that the
    // leap day is the last day of a year. An era has 400 years.
    let days = days.checked_add(719_468)?;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    Some((year, u8::try_from(month).ok()?, u8::try_from(day).ok()?))
}
