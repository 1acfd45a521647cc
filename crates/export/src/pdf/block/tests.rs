use super::*;

#[test]
fn a_page_break_leaves_two_lines_on_both_pages() {
    for (left, room, here) in [
        (1, 1, 1),
        (1, 0, 0),
        (2, 1, 0),
        (3, 2, 0),
        (4, 2, 2),
        (4, 3, 2),
        (4, 4, 4),
        (5, 4, 3),
        (5, 1, 0),
        (50, 46, 46),
        (47, 46, 45),
    ] {
        assert_eq!(lines_on_page(left, room), here, "{left} lines, room for {room}");
    }
}
