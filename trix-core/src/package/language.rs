//! Language tags for each place in a package.
//!
//! Invariant: a language without a two-letter code keeps its original tag. Nothing is guessed.

use crate::mux::TrackSpec;

/// Codes of ISO 639-2/T, each followed by its ISO 639-1 code, for all languages with a two-letter code.
const TWO_LETTERS: &str = "\
    aaraa abkab aveae afraf akaak amham argan araar asmas avaav aymay azeaz bakba belbe bulbg bisbi bambm benbn \
    bodbo brebr bosbs catca chece chach cosco crecr cescs chucu chvcv cymcy danda deude divdv dzodz eweee ellel engen \
    epoeo spaes estet euseu fasfa fulff finfi fijfj faofo frafr fryfy glega glagd glggl grngn gujgu glvgv hauha hebhe \
    hinhi hmoho hrvhr hatht hunhu hyehy herhz inaia indid ileie iboig iiiii ipkik idoio islis itait ikuiu jpnja javjv \
    katka konkg kikki kuakj kazkk kalkl khmkm kankn korko kaukr kasks kurku komkv corkw kirky latla ltzlb luglg limli \
    linln laolo litlt lublu lavlv mlgmg mahmh mrimi mkdmk malml monmn marmr msams mltmt myamy nauna nobnb ndend nepne \
    ndong nldnl nnonn norno nblnr navnv nyany ocioc ojioj ormom orior ossos panpa plipi polpl pusps porpt quequ rohrm \
    runrn ronro rusru kinrw sansa srdsc sndsd smese sagsg sinsi slksk slvsl smosm snasn somso sqisq srpsr sswss sotst \
    sunsu swesv swasw tamta telte tgktg thath tirti tuktk tgltl tsntn tonto turtr tsots tattt twitw tahty uigug ukruk \
    urdur uzbuz venve vievi volvo wlnwa wolwo xhoxh yidyi yoryo zhaza zhozh zulzu";

/// Codes of ISO 639-2/B, each followed by its /T code, where they differ.
const BIBLIOGRAPHIC: &str = "\
    albsqi armhye baqeus burmya chizho czeces dutnld frefra geokat gerdeu greell iceisl macmkd maomri maymsa perfas \
    rumron sloslk tibbod welcym";

/// The language tag of a track (BCP 47) in its shortest form, as RFC 5646, 2.2.1 requires. `None` if unknown.
pub(super) fn tag(spec: &TrackSpec) -> Option<String> {
    let told = spec.metadata.iter().find(|(key, _)| key == "language").map(|(_, value)| value.trim())?;
    shortest(told)
}

fn shortest(told: &str) -> Option<String> {
    let (primary, rest) = told.split_once(['-', '_']).map_or((told, None), |(primary, rest)| (primary, Some(rest)));
    let primary = primary.to_ascii_lowercase();
    let is_plain = (2..=8).contains(&primary.len()) && primary.bytes().all(|byte| byte.is_ascii_lowercase());
    let rest_is_plain = rest.is_none_or(|rest| rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'));
    if !is_plain || !rest_is_plain || primary == "und" {
        return None;
    }
    let modern = paired(BIBLIOGRAPHIC, &primary, 3).unwrap_or(&primary);
    let short = paired(TWO_LETTERS, modern, 3).unwrap_or(modern);
    Some(rest.map_or_else(|| short.to_owned(), |rest| format!("{short}-{rest}")))
}

/// The ISO 639-2/T code for the header of an MP4 track. `und` if there is none.
pub(super) fn three_letters(spec: &TrackSpec) -> String {
    let tag = tag(spec).unwrap_or_default();
    let primary = tag.split('-').next().unwrap_or_default();
    let long = if primary.len() == 2 { reversed(primary) } else { Some(primary) };
    long.filter(|code| code.len() == 3).unwrap_or("und").to_owned()
}

/// Finds the table entry that begins with `code`, which has `width` letters, and returns the rest of the entry.
fn paired<'a>(table: &'a str, code: &str, width: usize) -> Option<&'a str> {
    table.split_whitespace().find(|entry| entry.get(..width) == Some(code)).and_then(|entry| entry.get(width..))
}

fn reversed(short: &str) -> Option<&'static str> {
    TWO_LETTERS.split_whitespace().find(|entry| entry.get(3..) == Some(short)).and_then(|entry| entry.get(..3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_the_shortest() {
        for (told, expected) in [
            ("eng", Some("en")),
            ("ger", Some("de")),
            ("deu", Some("de")),
            ("rus", Some("ru")),
            ("sr-Latn", Some("sr-Latn")),
            ("zho-Hant", Some("zh-Hant")),
            ("fil", Some("fil")),
            ("en", Some("en")),
            ("und", None),
            ("", None),
            ("English language", None),
        ] {
            assert_eq!(shortest(told).as_deref(), expected, "{told}");
        }
    }

    #[test]
    fn every_entry_has_its_width() {
        assert!(TWO_LETTERS.split_whitespace().all(|entry| entry.len() == 5));
        assert!(BIBLIOGRAPHIC.split_whitespace().all(|entry| entry.len() == 6));
        let mut short: Vec<&str> = TWO_LETTERS.split_whitespace().map(|entry| &entry[3..]).collect();
        short.sort_unstable();
        let count = short.len();
        short.dedup();
        assert_eq!(short.len(), count);
        assert_eq!(reversed("ru"), Some("rus"));
    }
}
