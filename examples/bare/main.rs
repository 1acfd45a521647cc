//! What Tauri's own template makes: a window, a page, one command. The figures of the window are put beside its.

#[tauri::command]
fn greet(name: &str) -> String {
    format!("Hello, {name}!")
}

fn main() {
    tauri::Builder::default()
        .invoke_handler(tauri::generate_handler![greet])
        .run(tauri::generate_context!("examples/bare/tauri.conf.json"))
        .expect("a window can be shown");
}
