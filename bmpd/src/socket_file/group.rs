//! The group of the socket's file, and who can connect.

use std::io;
use std::time::Duration;

use shared::account;
use shared::request::Level;

use super::file::SocketFile;
use crate::config::{Account, Levels};

/// How long the name service has for the group of the socket. Nothing runs yet that would wait for it.
const GROUP_TIMEOUT: Duration = Duration::from_secs(2);

/// The group of the socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SocketGroup {
    /// As the configuration calls it, else the number of the file's.
    pub(crate) account: Account,
    /// What the file has: another one if the system did not allow to change it, or has no such group.
    pub(crate) file_gid: u32,
    /// The number of the group when the socket was made; `None` if there was no such group.
    pub(crate) gid: Option<u32>,
}

impl SocketGroup {
    /// True if the members of the group are those that the file admits.
    fn is_that_of_file(&self) -> bool {
        self.gid == Some(self.file_gid)
    }

    /// True if this is the group, as far as that is known without a look-up.
    fn is(&self, other: &Account) -> bool {
        *other == self.account || self.gid.is_some_and(|gid| *other == Account::Id(gid))
    }

    /// Sets the group of the file. If the system does not allow it, or has no such group, that is a sentence for people
    /// and not fatal: bmpd checks the groups of each caller anyway, so members of the group have their level as long as
    /// they can connect.
    pub(crate) fn give(
        file: &SocketFile,
        wanted: Option<&Account>,
    ) -> io::Result<(Self, Option<String>)> {
        let Some(account) = wanted else {
            let file_gid = file.gid()?;
            let account = Account::Id(file_gid);
            return Ok((Self { account, file_gid, gid: Some(file_gid) }, None));
        };
        let found = match account {
            Account::Id(gid) => Ok(*gid),
            Account::Name(name) => {
                let name = name.clone();
                match account::within(GROUP_TIMEOUT, move || account::group_id(&name)) {
                    Some(Ok(Some(gid))) => Ok(gid),
                    Some(Ok(None)) => Err("there is no such group".to_owned()),
                    Some(Err(error)) => Err(crate::net::describe(&error)),
                    None => Err("the user database does not answer".to_owned()),
                }
            }
        };
        let gid = found.as_ref().ok().copied();
        let given =
            found.and_then(|gid| file.set_group(gid).map_err(|error| crate::net::describe(&error)));
        let warning = given.err().map(|why| {
            format!(
                "cannot give the control socket {} to the group {account}: {why}; so all can connect, and \
                 bmpd alone decides who may do what",
                file.path().display()
            )
        });
        Ok((Self { account: account.clone(), file_gid: file.gid()?, gid }, warning))
    }
}

/// Who can connect. What a caller may do is decided for each command; this only excludes those who may do nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WhoConnects {
    /// Owner and group of the file.
    Group,
    /// Everybody, as users outside the file's group can have a level.
    All,
}

impl WhoConnects {
    /// Who can connect with these levels.
    pub(crate) fn of(levels: &Levels, group: &SocketGroup) -> Self {
        let gets_in = |level: Level| level > Level::Visit;
        let beyond = !group.is_that_of_file()
            || gets_in(levels.others)
            || levels.users.iter().any(|(_, level)| gets_in(*level))
            || levels.groups.iter().any(|(listed, level)| gets_in(*level) && !group.is(listed));
        if beyond { WhoConnects::All } else { WhoConnects::Group }
    }

    /// The mode of the file.
    pub(crate) const fn mode(self) -> u32 {
        match self {
            WhoConnects::Group => 0o660,
            WhoConnects::All => 0o666,
        }
    }
}
