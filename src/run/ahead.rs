//! What is made before a file system may be frozen.

use super::pipeline::Pipeline;
use crate::hooks::Hook;

impl Pipeline<'_> {
    /// The pre hook at this place has an undo and is about to start: from now on until the last undo has ended no file
    /// is written on the way. What pre hooks hand values on by is made now, for it and those after it.
    pub(super) fn make_outputs_ahead(&mut self, place: usize) {
        let Some(mut outputs) = self.outputs.take_if(|outputs| !outputs.are_made()) else { return };
        let (settings, pre) = (&self.run.settings, &self.run.plan.pre);
        let data = |index: usize, hook: &Hook| {
            let occasion = self.occasion(index - 1, hook);
            occasion.data(settings, hook, &occasion.told(settings, 1))
        };
        let hooks = pre.iter().enumerate().skip(place).map(|(place, hook)| (place + 1, hook));
        outputs.make_ahead(hooks, data, &self.run.secret_values);
        self.outputs = Some(outputs);
    }
}
