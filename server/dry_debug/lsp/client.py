"""What the client can do, read once from its capabilities."""

from collections.abc import Mapping

from lsprotocol import types

from dry_debug.records import dataclass


@dataclass(frozen=True, slots=True)
class Client:
    """The abilities that change what is sent."""

    document_changes: bool = False  # takes versioned edits
    related_information: bool = False
    code_description: bool = False
    versions: bool = False  # takes the document's version beside its diagnostics
    unnecessary: bool = False  # can show text faded out
    markdown: bool = False  # in hovers
    resolves_edits: bool = False  # asks for the edit of a code action when it is chosen
    configuration: bool = False  # answers `workspace/configuration`
    watches_files: bool = False  # lets the server register file watchers
    watches_settings: bool = False  # lets the server register for changes of settings
    refreshes_lenses: bool = False  # asks for code lenses again when it is told to
    report_command: str | None = None  # its own command that shows the report on the document given by URI
    shows_in_hover: bool = False  # puts the diagnostic, its evidence and its link into the hover by itself


def client_of(capabilities: types.ClientCapabilities) -> Client:
    """What a client with these capabilities can do; what it does not mention it cannot."""
    text = capabilities.text_document or types.TextDocumentClientCapabilities()
    space = capabilities.workspace or types.WorkspaceClientCapabilities()
    diagnostics = text.publish_diagnostics or types.PublishDiagnosticsClientCapabilities()
    actions = text.code_action or types.CodeActionClientCapabilities()
    formats = (text.hover.content_format if text.hover else None) or ()
    own = capabilities.experimental if isinstance(capabilities.experimental, Mapping) else {}
    tags = diagnostics.tag_support.value_set if diagnostics.tag_support else ()
    return Client(
        document_changes=bool(space.workspace_edit and space.workspace_edit.document_changes),
        related_information=bool(diagnostics.related_information),
        code_description=bool(diagnostics.code_description_support),
        versions=bool(diagnostics.version_support),
        unnecessary=types.DiagnosticTag.Unnecessary in tags,
        markdown=types.MarkupKind.Markdown in formats,
        resolves_edits=bool(
            actions.data_support and actions.resolve_support and "edit" in actions.resolve_support.properties
        ),
        configuration=bool(space.configuration),
        watches_files=bool(space.did_change_watched_files and space.did_change_watched_files.dynamic_registration),
        refreshes_lenses=bool(space.code_lens and space.code_lens.refresh_support),
        report_command=command if isinstance(command := own.get("reportCommand"), str) and command else None,
        shows_in_hover=own.get("diagnosticsInHover") is True,
        watches_settings=bool(space.did_change_configuration and space.did_change_configuration.dynamic_registration),
    )
