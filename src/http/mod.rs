//! Asking other hosts: names, proxies, TLS, and what went wrong in words. What is asked, and why, is nobody's business here.

mod asking;
mod certificate;
mod names;
mod progress;
mod proxy;
mod quoted;
mod trouble;
mod userinfo;
mod within;

pub use asking::Asking;
pub use certificate::{is_about as is_about_certificate, mend as mend_of_certificate};
pub use names::{NotFound, look_up};
pub use progress::{Progress, Stage};
pub use proxy::proxy_for;
pub use quoted::quotable;
pub use trouble::{Trouble, no_ca_store};
pub use userinfo::{UserInfo, percent_decoded};
pub use within::{GaveUp, within};
