//! Threads without which nothing works any more.

/// Does the work of such a thread. Should it panic, the process ends at once, as in a crash: what
/// was acknowledged is durable, and the next start goes on. A process that stays up without it
/// would only look alive.
pub fn vital<T>(work: impl FnOnce() -> T) -> T {
    struct Guard;
    impl Drop for Guard {
        fn drop(&mut self) {
            if std::thread::panicking() && !crate::sqlite::planted::survives_its_threads() {
                std::process::abort();
            }
        }
    }
    let _guard = Guard;
    work()
}

#[cfg(test)]
mod tests {
    use super::vital;

    const DIES: &str = "NAOS_TEST_VITAL_DIES";

    #[test]
    fn a_panic_in_a_vital_thread_ends_the_process() {
        if std::env::var_os(DIES).is_some() {
            let broken = std::thread::spawn(|| vital(|| panic!("on purpose")));
            let _: Result<(), _> = broken.join();
            return; // the process would go on: the parent sees a test that passed
        }
        assert_eq!(vital(|| 7), 7);
        let own = std::env::current_exe().unwrap();
        let ended = std::process::Command::new(own)
            .args([
                "--exact",
                "vital::tests::a_panic_in_a_vital_thread_ends_the_process",
            ])
            .env(DIES, "1")
            .output()
            .unwrap();
        assert!(!ended.status.success(), "{ended:?}");
        let said = String::from_utf8_lossy(&ended.stdout);
        assert!(said.contains("running 1 test"), "{said}");
    }
}
