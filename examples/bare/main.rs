//! The program of Tauri's own template: a window, a page, one command. The benchmark of the window
//! (`tests/journeys/benchmark.rs`) uses it for comparison.

#[tauri::command]
fn greet(name: &str) -> String {
    format!("Hello, {name}!")
}

fn main() {
    tauri::Builder::default()
        .invoke_handler(tauri::generate_handler![greet])
        .run(tauri::generate_context!("examples/bare/tauri.conf.json"))
        .expect("the window can be created");
}
