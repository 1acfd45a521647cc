//! The colours of speakers: those of the window (`ui/src/tokens.css`).

/// On light paper, as `RRGGBB`; contrast on white is at least 4.5 : 1.
pub(crate) const LIGHT: [&str; 12] = [
    "315cdf", "cb1035", "247546", "432167", "485d05", "07453e", "8b5769", "033ab6", "3f3404", "666292",
    "7a0038", "4f4665",
];
/// On a dark background, as `RRGGBB`.
pub(crate) const DARK: [&str; 12] = [
    "b28af9", "da8e1f", "00b66c", "ddb3fe", "d6d44b", "76fcd9", "b8c5a3", "9c9bbf", "c7f1a5", "90c9c6",
    "eae0ff", "83a695",
];

/// The index of the colour of the speaker with this number, which counts from 1. Colours repeat after the twelfth.
pub(crate) fn colour_of(number: u32) -> usize {
    number.saturating_sub(1) as usize % LIGHT.len()
}

/// The colour of the speaker with this number on light paper: red, green, blue.
pub(crate) fn light_rgb(number: u32) -> [u8; 3] {
    let value = u32::from_str_radix(LIGHT[colour_of(number)], 16).expect("the colours are hexadecimal");
    let [_, red, green, blue] = value.to_be_bytes();
    [red, green, blue]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_colours_are_those_of_the_window() {
        let tokens = include_str!("../../../ui/src/tokens.css");
        let (light, dark) = tokens.split_once("data-theme='dark'").expect("tokens.css has a dark theme");
        for (theme, colours) in [(light, LIGHT), (dark, DARK)] {
            for (index, colour) in colours.iter().enumerate() {
                let line = format!("--speaker-{}: #{colour};", index + 1);
                assert!(theme.contains(&line), "{line}");
            }
        }
        assert_eq!([0, 1, 12, 13, 25].map(colour_of), [0, 0, 11, 0, 0]);
        assert_eq!(light_rgb(2), [0xcb, 0x10, 0x35]);
    }
}
