//! The part of PocketSphinx's C interface that is used, declared after the headers of Debian's `libpocketsphinx-dev`
//! and `libsphinxbase-dev` 0.8+5prealpha: `pocketsphinx.h`, `cmd_ln.h`, `err.h`. Other releases take other argument
//! counts for some of these, which is why `build.rs` asks pkg-config for this one.

use std::ffi::{c_char, c_int, c_void};

/// `ps_decoder_t`
#[repr(C)]
pub(super) struct Decoder {
    _private: [u8; 0],
}

/// `ps_seg_t`
#[repr(C)]
pub(super) struct Segment {
    _private: [u8; 0],
}

/// `cmd_ln_t`
#[repr(C)]
pub(super) struct Config {
    _private: [u8; 0],
}

/// `arg_t`
#[repr(C)]
pub(super) struct Argument {
    _private: [u8; 0],
}

unsafe extern "C" {
    pub(super) fn err_set_logfp(stream: *mut c_void);

    pub(super) fn cmd_ln_parse_r(
        inout_cmdln: *mut Config,
        defn: *const Argument,
        argc: i32,
        argv: *mut *mut c_char,
        strict: i32,
    ) -> *mut Config;
    pub(super) fn cmd_ln_free_r(cmdln: *mut Config) -> c_int;

    pub(super) fn ps_args() -> *const Argument;
    pub(super) fn ps_init(config: *mut Config) -> *mut Decoder;
    pub(super) fn ps_free(ps: *mut Decoder) -> c_int;
    pub(super) fn ps_start_stream(ps: *mut Decoder) -> c_int;
    pub(super) fn ps_start_utt(ps: *mut Decoder) -> c_int;
    pub(super) fn ps_process_raw(
        ps: *mut Decoder,
        data: *const i16,
        n_samples: usize,
        no_search: c_int,
        full_utt: c_int,
    ) -> c_int;
    pub(super) fn ps_end_utt(ps: *mut Decoder) -> c_int;

    pub(super) fn ps_seg_iter(ps: *mut Decoder) -> *mut Segment;
    pub(super) fn ps_seg_next(seg: *mut Segment) -> *mut Segment;
    pub(super) fn ps_seg_word(seg: *mut Segment) -> *const c_char;
    pub(super) fn ps_seg_frames(seg: *mut Segment, out_sf: *mut c_int, out_ef: *mut c_int);
}
