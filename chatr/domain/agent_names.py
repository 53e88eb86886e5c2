"""Find agents by their names, also those whose names look alike."""

from attrs import define, field

from chatr.domain.commands import agent_id, older_agent_id
from chatr.domain.identity import AgentId
from chatr.domain.name_search import NameSearch
from chatr.domain.text import canonical, strict_form


@define
class AgentNames:
    """Finds the ids of agents by name. `older` maps the strict form of a name to the first agent of an older version
    with it: the ids of these agents do not follow from that form. `search` finds all agents by parts of their names.
    """

    older: dict[str, str] = field(factory=dict)
    search: NameSearch = field(factory=NameSearch)

    def add(self, agent: AgentId, name: str) -> None:
        """Make an agent findable by the strict form of its name, if its id does not follow from that form."""
        self.search.add(name)
        form = strict_form(name)
        # Computing an id takes longer than comparing, and few names differ.
        if form != canonical(name) and agent != agent_id(name):
            self.older.setdefault(form, name)

    def ids(self, name: str) -> tuple[AgentId, ...]:
        """The ids that an agent with this name, or with one that looks like it, may have: the best match first."""
        # Older agents may look alike: first the one that has the name by the rule of its time.
        look_alike = self.older.get(strict_form(name), name)
        return older_agent_id(name), agent_id(name), older_agent_id(look_alike)
