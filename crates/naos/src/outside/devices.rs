//! Who naos is to gateways: a device of its own for each tenant, made when it is first needed.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use naos_drivers::models::{DEVICE_BYTES, Device};
use naos_engine::chance;
use naos_types::TenantId;

use crate::daemon::write_secret;

/// The devices of a node, a file each: 32 bytes that nobody but its owner reads.
#[derive(Clone)]
pub(super) struct Devices {
    folder: Arc<PathBuf>,
    /// Two calls at once make one device.
    making: Arc<Mutex<()>>,
}

impl Devices {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self {
            folder: Arc::new(folder),
            making: Arc::default(),
        }
    }

    /// A tenant's device; another tenant's gateway never sees it.
    ///
    /// # Errors
    /// A sentence: it can't be read or written.
    pub(super) fn of(&self, tenant: TenantId) -> Result<Device, String> {
        let path = self.folder.join(format!("{tenant}.key"));
        let failed = |error: io::Error| format!("the key of this device can't be kept: {error}");
        let _one = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        match fs::read(&path) {
            Ok(bytes) => {
                let secret = <[u8; DEVICE_BYTES]>::try_from(bytes.as_slice());
                let secret = secret.map_err(|_| {
                    format!("{} isn't the key of a device: remove it", path.display())
                })?;
                Ok(Device::new(&secret))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let secret = chance::secret();
                fs::create_dir_all(&*self.folder).map_err(failed)?;
                write_secret(&path, &secret).map_err(failed)?;
                Ok(Device::new(&secret))
            }
            Err(error) => Err(failed(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn each_tenant_has_one_device_and_keeps_it() {
        let folder = tempfile::tempdir().unwrap();
        let devices = || Devices::new(folder.path().join("keys/devices"));
        let (one, other) = (TenantId(1), TenantId(2));
        let first = devices().of(one).unwrap().id();
        assert_eq!(
            devices().of(one).unwrap().id(),
            first,
            "after a restart, too"
        );
        assert_ne!(devices().of(other).unwrap().id(), first);
        let path = folder.path().join(format!("keys/devices/{one}.key"));
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::write(&path, b"short").unwrap();
        assert!(devices().of(one).unwrap_err().contains("remove it"));
    }
}
