//! The topics as citizens choose them: by unit in a list, or by any word that people use for them.

use contracts::vocabulary::v1::Attribute;
use tonic::Status;
use vocabulary::Municipality;

use super::site::Site;
use crate::{
    Centre,
    register::{Topic, unit_name},
    text,
};

/// A unit's topics.
pub(super) struct Group {
    pub(super) unit: String,
    pub(super) topics: Vec<Choice>,
}

/// One topic of the list.
pub(super) struct Choice {
    pub(super) code: String,
    pub(super) name: String,
    /// Other words for it, which are searched and not shown.
    pub(super) keywords: String,
}

/// The topic that was chosen.
pub(super) struct Chosen {
    pub(super) code: String,
    pub(super) name: String,
    pub(super) unit: String,
    pub(super) attributes: Vec<Attribute>,
}

/// The topics by unit, both in the order of a dictionary.
pub(super) async fn groups(
    centre: &Centre,
    municipality: &Municipality,
    site: &Site,
) -> Result<Vec<Group>, Status> {
    let register = centre.register(municipality);
    let units = register.units().await?;
    let language = site.words.0;
    let mut groups: Vec<Group> = vec![];
    for topic in register.topics().await? {
        let unit = unit_name(&units, &topic.unit, language);
        let choice = Choice {
            name: text::capital(topic.name.of(language), language),
            keywords: keywords(&topic),
            code: topic.code,
        };
        match groups.iter_mut().find(|it| it.unit == unit) {
            Some(group) => group.topics.push(choice),
            None => groups.push(Group {
                unit,
                topics: vec![choice],
            }),
        }
    }
    groups.sort_by_key(|it| text::sort_key(&it.unit));
    groups
        .iter_mut()
        .for_each(|it| it.topics.sort_by_key(|it| text::sort_key(&it.name)));
    Ok(groups)
}

/// The topic with this code, if there is one.
pub(super) async fn chosen(
    centre: &Centre,
    municipality: &Municipality,
    site: &Site,
    code: &str,
) -> Result<Option<Chosen>, Status> {
    if code.is_empty() {
        return Ok(None);
    }
    let register = centre.register(municipality);
    let Some(topic) = register.topic(code).await? else {
        return Ok(None);
    };
    let (units, language) = (register.units().await?, site.words.0);
    Ok(Some(Chosen {
        name: text::capital(topic.name.of(language), language),
        unit: unit_name(&units, &topic.unit, language),
        attributes: topic.definition().attributes,
        code: topic.code,
    }))
}

fn keywords(topic: &Topic) -> String {
    topic.definition().keywords.join(" ")
}
