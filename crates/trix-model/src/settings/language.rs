//! Language codes: ISO 639-1 (`en`), 639-2 (`eng`, `ger` as well as `deu`), 639-3, and BCP 47 tags (`pt-BR`).
//!
//! Invariant: an accepted language has a code of three letters, which every container can hold.

use isolang::Language;

/// The bibliographic codes of ISO 639-2 that differ from the terminological ones. ISO 639-3 uses the terminological
/// ones.
const BIBLIOGRAPHIC: [(&str, &str); 20] = [
    ("alb", "sqi"),
    ("arm", "hye"),
    ("baq", "eus"),
    ("bur", "mya"),
    ("chi", "zho"),
    ("cze", "ces"),
    ("dut", "nld"),
    ("fre", "fra"),
    ("geo", "kat"),
    ("ger", "deu"),
    ("gre", "ell"),
    ("ice", "isl"),
    ("mac", "mkd"),
    ("mao", "mri"),
    ("may", "msa"),
    ("per", "fas"),
    ("rum", "ron"),
    ("slo", "slk"),
    ("tib", "bod"),
    ("wel", "cym"),
];

/// Returns the three letters of ISO 639-2/T for `tag`, or those of ISO 639-3 if ISO 639-2/T has none.
///
/// ```
/// use trix_model::settings::language::three_letters;
/// assert_eq!(three_letters("pt-BR").as_deref(), Ok("por"));
/// assert_eq!(three_letters("ger").as_deref(), Ok("deu"));
/// assert!(three_letters("russian").unwrap_err().contains("rus (Russian)"));
/// ```
///
/// # Errors
/// The problem of the tag, and the nearest code.
pub fn three_letters(tag: &str) -> Result<String, String> {
    let mut parts = tag.split('-');
    let primary = parts.next().unwrap_or_default().to_ascii_lowercase();
    let Some(code) = primary_code(&primary) else {
        return Err(format!("is no language of ISO 639{}", nearest(&primary)));
    };
    let rest: Vec<&str> = parts.collect();
    match well_formed(&rest) {
        Ok(()) => Ok(code),
        Err(part) => Err(format!("'{part}' has no place in a BCP 47 tag such as pt-BR, zh-Hant or sr-Latn-RS")),
    }
}

/// The codes that have a number in QuickTime and that libavformat (4.4 to 7) writes into MOV, in its spelling.
const QUICKTIME: &str = "alb amh ara arm asm aym aze baq bel ben bul bur cat ces chi dan dut dzo eng epo est fin fra geo \
    ger gre grn guj heb hin hun ice ind iri ita jav jpn kan kas kaz khm kin kir kor kur lao lat lav lit mac mal mar may \
    mlg mlt mon nep nor nya ori orm per pol por pus que ron run rus san sin slk slv snd som spa swa tam tat tel tgk \
    tgl tha tib tir tuk tur uig ukr urd uzb vie wel yid";

/// The spelling of a code of three letters in MOV; `None` if MOV has no number for the language.
#[doc(hidden)]
pub fn in_quicktime(code: &str) -> Option<&'static str> {
    let other = BIBLIOGRAPHIC.iter().find_map(|(old, new)| match code {
        _ if code == *old => Some(*new),
        _ if code == *new => Some(*old),
        _ => None,
    });
    QUICKTIME.split(' ').find(|known| *known == code || Some(*known) == other)
}

/// The two letters of ISO 639-1 for `code`, a code of three letters (ISO 639-2/B, 639-2/T or 639-3). `None` if there are
/// none. `sh` (Serbo-Croatian) is deprecated and not returned.
#[doc(hidden)]
pub fn two_letters(code: &str) -> Option<&'static str> {
    let modern = BIBLIOGRAPHIC.iter().find(|(old, _)| *old == code).map_or(code, |(_, new)| new);
    Language::from_639_3(modern)?.to_639_1().filter(|short| *short != "sh")
}

/// The three letters of ISO 639-2/T for `code`, a code of two letters (ISO 639-1). `None` if there are none.
#[doc(hidden)]
pub fn terminological(code: &str) -> Option<&'static str> {
    Some(Language::from_639_1(code)?.to_639_3())
}

fn primary_code(primary: &str) -> Option<String> {
    let is_local = primary.len() == 3 && ("qaa"..="qtz").contains(&primary);
    if is_local {
        return Some(primary.to_owned());
    }
    if let Some((_, code)) = BIBLIOGRAPHIC.iter().find(|(old, _)| *old == primary) {
        return Some((*code).to_owned());
    }
    let language = match primary.len() {
        2 => Language::from_639_1(primary),
        3 => Language::from_639_3(primary),
        _ => None,
    };
    language.map(|language| language.to_639_3().to_owned())
}

/// Checks the parts after the language: an extended language of three letters, a script, a region, variants, extensions
/// and private parts, in this order (RFC 5646, section 2.1). The error is the first wrong part.
fn well_formed<'a>(parts: &[&'a str]) -> Result<(), &'a str> {
    let is = |part: &str, test: fn(&u8) -> bool| part.bytes().all(|byte| test(&byte));
    let letters = |part: &str| is(part, u8::is_ascii_alphabetic);
    // The first kind that may come next: 0 extended language, 1 script, 2 region, 3 variants, 4 extensions.
    let mut step = 0;
    let mut at = 0;
    while let Some(part) = parts.get(at) {
        let length = part.len();
        if !(1..=8).contains(&length) || !is(part, u8::is_ascii_alphanumeric) {
            return Err(part);
        }
        if length == 1 {
            // An extension or a private use part needs at least one further part, of any length.
            match parts.get(at + 1) {
                Some(next) if (1..=8).contains(&next.len()) && is(next, u8::is_ascii_alphanumeric) => {}
                _ => return Err(part),
            }
            step = 4;
            at += 2;
            continue;
        }
        let is_variant = length >= 5 || (length == 4 && part.bytes().next().is_some_and(|byte| byte.is_ascii_digit()));
        step = match length {
            _ if step == 4 => 4,
            3 if letters(part) && step == 0 => 0,
            4 if letters(part) && step <= 1 => 2,
            2 if letters(part) && step <= 2 => 3,
            3 if is(part, u8::is_ascii_digit) && step <= 2 => 3,
            _ if is_variant => 3,
            _ => return Err(part),
        };
        at += 1;
    }
    Ok(())
}

/// Returns the language with the nearest name or code, as the end of a sentence. Two letters are near to everything.
fn nearest(text: &str) -> String {
    let most = match text.len() {
        0..=2 => 0,
        3 => 1,
        length => 2.max(length / 3),
    };
    // Only languages that also have a code of two letters are compared. The rest is 7700 languages, and one of them is
    // near to any three letters.
    let common = isolang::languages().filter(|language| language.to_639_1().is_some());
    let distance = |language: &Language| {
        let name = language.to_name().to_ascii_lowercase();
        let to_name = strsim::damerau_levenshtein(&name, text);
        let first = name.split([' ', '(']).next().unwrap_or_default().to_owned();
        let to_first = strsim::damerau_levenshtein(&first, text);
        let to_code = strsim::damerau_levenshtein(language.to_639_3(), text);
        to_name.min(to_first).min(to_code)
    };
    let best = common.map(|language| (distance(&language), language)).min_by_key(|(distance, _)| *distance);
    match best {
        Some((distance, language)) if distance <= most => {
            format!("; {} ({}) comes nearest", language.to_639_3(), language.to_name())
        }
        _ => "; codes are two or three letters such as en or eng".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_every_part_of_the_standard_are_known() {
        for (tag, code) in [
            ("en", "eng"),
            ("eng", "eng"),
            ("EN", "eng"),
            ("de", "deu"),
            ("ger", "deu"),
            ("fre", "fra"),
            ("chi", "zho"),
            ("zh-Hant-TW", "zho"),
            ("zh-yue", "zho"),
            ("sr-Latn-RS", "srp"),
            ("es-419", "spa"),
            ("de-1996", "deu"),
            ("de-CH-1996", "deu"),
            ("sl-rozaj-biske", "slv"),
            ("en-US-u-hc-h12", "eng"),
            ("en-x-a", "eng"),
            ("und", "und"),
            ("mul", "mul"),
            ("zxx", "zxx"),
            ("mis", "mis"),
            ("qaa", "qaa"),
            ("qtz", "qtz"),
            ("yue", "yue"),
        ] {
            assert_eq!(three_letters(tag).as_deref(), Ok(code), "{tag}");
        }
    }

    #[test]
    fn what_is_no_language_is_refused_with_what_comes_nearest() {
        for (tag, hint) in [
            ("russian", "rus (Russian)"),
            ("Germam", "deu (German)"),
            ("enlgish", "eng (English)"),
            ("xx", "such as en or eng"),
            ("rsu", "rus (Russian)"),
            ("", "ISO 639"),
            ("nonsensewords", "such as en or eng"),
            ("en-", "''"),
            ("en-US-Latn", "'Latn'"),
            ("en-u", "'u'"),
            ("en-toolongpart", "'toolongpart'"),
            ("en_US", "ISO 639"),
            ("quz-\u{e9}", "'\u{e9}'"),
            ("qzz", "ISO 639"),
        ] {
            let error = three_letters(tag).expect_err(tag);
            assert!(error.contains(hint), "{tag}: {error}");
        }
    }

    #[test]
    fn bibliographic_codes_stand_for_languages_that_have_another() {
        for (old, code) in BIBLIOGRAPHIC {
            assert!(Language::from_639_3(old).is_none(), "{old} is a code of its own");
            assert!(Language::from_639_3(code).is_some(), "{code}");
        }
    }
}
