//! A small window at X, Y from which files can be dragged: `drag_source X Y FILE…`. It stands for another program in
//! the end-to-end tests (`tests/journeys`).

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "used by a test")]

use gtk::prelude::*;
use std::env;

fn main() {
    gtk::init().unwrap();
    let mut arguments = env::args().skip(1);
    let mut number = || arguments.next().unwrap().parse::<i32>().unwrap();
    let (x, y) = (number(), number());
    let files: Vec<String> =
        arguments.map(|path| gtk::glib::filename_to_uri(path, None).unwrap().into()).collect();

    let window = gtk::Window::new(gtk::WindowType::Toplevel);
    window.set_default_size(120, 80);
    window.move_(x, y);
    let handle = gtk::EventBox::new();
    handle.add(&gtk::Label::new(Some("drag me")));
    window.add(&handle);
    handle.drag_source_set(gtk::gdk::ModifierType::BUTTON1_MASK, &[], gtk::gdk::DragAction::COPY);
    handle.drag_source_add_uri_targets();
    handle.connect_drag_data_get(move |_, _, data, _, _| {
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        data.set_uris(&files);
    });
    window.show_all();
    println!("ready");
    gtk::main();
}
