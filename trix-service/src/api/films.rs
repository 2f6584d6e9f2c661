//! Groups the files of a folder: a master, and the files that belong to it by their names.

/// Endings of files that are masters.
const MASTERS: [&str; 21] = [
    "mov", "mxf", "mp4", "m4v", "mkv", "ts", "m2ts", "mts", "m2t", "avi", "webm", "mpg", "mpeg", "vob", "wmv", "gxf",
    "dv", "y4m", "264", "265", "hevc",
];

/// True if a file is a master by its name.
pub(super) fn is_master(name: &str) -> bool {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_lowercase());
    ending.is_some_and(|ending| MASTERS.contains(&ending.as_str()))
}

/// The master among `names` to which the file `name` belongs: the one with the longest stem with which its name begins. After the stem
/// comes no letter and no digit, so that `film2.wav` does not belong to `film.mov`.
pub(super) fn film_of<'n>(name: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    if is_master(name) {
        return None;
    }
    let own = name.to_lowercase();
    let belongs = |master: &&str| {
        let stem = stem_of(master).to_lowercase();
        let rest = own.strip_prefix(&stem);
        rest.is_some_and(|rest| rest.chars().next().is_some_and(|next| !next.is_alphanumeric()))
    };
    // Of two masters with one stem, the one whose whole name the file begins with.
    let is_whole = |master: &str| own.starts_with(&master.to_lowercase());
    names
        .filter(|master| is_master(master))
        .filter(belongs)
        .max_by_key(|master| (stem_of(master).len(), is_whole(master)))
}

fn stem_of(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stems_checksums_and_done_files_belong_to_their_master() {
        let names = ["Film.mov", "film 2.mxf", "Фильм.mov", "same.mov", "same.mxf"];
        let of = |name| film_of(name, names.into_iter());
        assert_eq!(of("film_ru.wav"), Some("Film.mov"));
        assert_eq!(of("Film.mov.md5"), Some("Film.mov"));
        assert_eq!(of("film.done"), Some("Film.mov"));
        assert_eq!(of("film 2.L.wav"), Some("film 2.mxf"));
        assert_eq!(of("фильм_ru.srt"), Some("Фильм.mov"));
        assert_eq!((of("same.mxf.sha256"), of("same.mov.sha256")), (Some("same.mxf"), Some("same.mov")));
        assert_eq!((of("film2.wav"), of("Film.mov"), of("notes.txt")), (None, None, None));
    }
}
