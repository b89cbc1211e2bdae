//! `hub keys new`.

use infrastrukt_hub::read_password;
use infrastrukt_registry::Keystore;
use std::path::PathBuf;

use super::Failure;

#[derive(clap::Args)]
pub(crate) struct NewArgs {
    /// Name of the key, and of its file
    name: String,
    /// Where key files live
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// A file that holds the password in its first line and that only its owner can read
    #[arg(long, value_name = "FILE")]
    password_file: PathBuf,
}

pub(super) fn new(args: &NewArgs) -> Result<(), Failure> {
    let password = read_password(&args.password_file).map_err(Failure::refused)?;
    let key = Keystore::new(&args.dir).create(&args.name, &password).map_err(Failure::refused)?;
    println!("{}", key.address());
    Ok(())
}
