//! A machine of so many cores and no more, as root on Linux.
//!
//! The other cores are switched off: x265 counts those of the machine, whatever an affinity or a control group leaves it.

use std::{fs, path::PathBuf};

/// Cores that are off until this is dropped. A bench that is killed leaves them off; a `1` in each of the files
/// `/sys/devices/system/cpu/cpu*/online` brings them back.
pub struct Confined {
    off: Vec<PathBuf>,
}

impl Confined {
    pub fn to(cores: usize) -> std::io::Result<Self> {
        let mut confined = Self { off: Vec::new() };
        for core in cores.max(1).. {
            let switch = PathBuf::from(format!("/sys/devices/system/cpu/cpu{core}/online"));
            if !switch.exists() {
                break;
            }
            fs::write(&switch, "0")?;
            confined.off.push(switch);
        }
        Ok(confined)
    }
}

impl Drop for Confined {
    fn drop(&mut self) {
        for switch in &self.off {
            if let Err(error) = fs::write(switch, "1") {
                eprintln!("{}: {error}; write 1 to it", switch.display());
            }
        }
    }
}
