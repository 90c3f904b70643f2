//! What would keep a report from its way, as far as can be told without sending anything. The verdicts are those of
//! the senders themselves.

use super::smtp::Server;
use super::{letter, post, sendmail};
use crate::settings::Environment;
use std::path::PathBuf;

/// What is wrong with `WEBHOOK_URL`, without the address itself; `None` if a summary could be posted there.
pub fn webhook_problem(url: &str) -> Option<String> {
    post::target(url).err().map(|failure| failure.reason)
}

/// What is wrong with `SMTP_URL`, without the address itself; `None` if a mail could be handed over there.
pub fn mail_server_problem(url: &str) -> Option<String> {
    Server::read(url).err().map(|failure| failure.reason)
}

/// Which of the recipients in `MAILX_RCPT` get no mail, since they cannot be addresses.
pub fn bad_recipients(list: &str) -> Vec<String> {
    letter::recipients(list).1
}

/// The program that mails go through where there is no `SMTP_URL`.
pub fn sendmail_program(environment: &Environment) -> Option<PathBuf> {
    sendmail::program(environment)
}
