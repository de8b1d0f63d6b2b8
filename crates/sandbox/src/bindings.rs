//! What the world of `guest/wit` looks like in Rust. Generated; nothing is written by hand here.

wasmtime::component::bindgen!({
    path: "../../guest/wit",
    world: "agent",
    imports: { default: trappable },
});
