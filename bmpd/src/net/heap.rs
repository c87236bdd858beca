//! How the C library's allocator treats freed memory. It has nothing to do with sockets: it is here because this module
//! contains the system calls that need unsafe code.

/// Larger pieces are allocated from the system one by one, and returned to it when they are freed. Parts of tables are
/// larger: segments and chunks of 256 KiB, parts of an index of 80 KiB.
#[cfg(target_env = "gnu")]
const OWN_MAPPING: libc::c_int = 64 * 1024;

/// Returns every large piece of memory to the system when it is freed.
///
/// By itself glibc raises the limit from which on it does so to the largest piece that was ever freed, up to 32 MiB
/// (mallopt(3), M_MMAP_THRESHOLD): from then on the tables of neighbors that connect and disconnect are scattered over
/// its arenas, which only ever grow. To be called before anything large is allocated.
#[allow(unsafe_code)]
pub fn return_freed_memory() {
    #[cfg(target_env = "gnu")]
    // SAFETY: it takes no pointer and can be called at any time; where it fails nothing is changed.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, OWN_MAPPING);
    }
}
