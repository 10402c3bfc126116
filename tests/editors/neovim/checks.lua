-- What a user of Neovim does with the server: opens, edits, saves, sees, hovers, fixes. Each check prints one line.
local command = vim.json.decode(vim.env.DRY_DEBUG_COMMAND)
local file = vim.env.DRY_DEBUG_FILE
local failed = false

local function check(name, ok, seen)
  failed = failed or not ok
  io.stdout:write((ok and "ok    " or "FAIL  ") .. name .. (ok and "" or ": " .. vim.inspect(seen)) .. "\n")
end

local function wait(condition)
  return vim.wait(15000, condition, 20)
end

local function ours(buffer)
  return vim.tbl_filter(function(item)
    return item.source == "Dry Debug"
  end, vim.diagnostic.get(buffer))
end

local function shown(buffer, rule)
  for _, item in ipairs(ours(buffer)) do
    if item.code == rule then
      return item
    end
  end
end

local function text(buffer)
  return table.concat(vim.api.nvim_buf_get_lines(buffer, 0, -1, false), "\n")
end

local function on_disk()
  return table.concat(vim.fn.readfile(file), "\n")
end

local published = 0
vim.lsp.handlers["textDocument/publishDiagnostics"] = (function(original)
  return function(...)
    published = published + 1
    return original(...)
  end
end)(vim.lsp.handlers["textDocument/publishDiagnostics"])

local function save()
  local before = published
  vim.cmd("silent write")
  return wait(function()
    return published > before
  end)
end

local RULE = "unmapped-checkpoint-load"
vim.cmd("edit " .. vim.fn.fnameescape(file))
vim.bo.filetype = "python"
local buffer = vim.api.nvim_get_current_buf()
local status
local id = vim.lsp.start({
  name = "dry-debug",
  cmd = command,
  root_dir = vim.fs.dirname(file),
  on_exit = function(code)
    status = code
  end,
})
check("the server starts", id and wait(function()
  local client = vim.lsp.get_client_by_id(id)
  return client and client.initialized
end), id)
local client = vim.lsp.get_client_by_id(id)
io.stdout:write("      Neovim " .. tostring(vim.version()) .. ", " .. client.offset_encoding .. "\n")
check("diagnostics come by push only", client.server_capabilities.diagnosticProvider == nil)

check("a clean file shows nothing when it is opened", wait(function()
  return published > 0
end) and #ours(buffer) == 0, ours(buffer))

local LOAD = 'model.load_state_dict(torch.load("é😀.pt"))'
local line = vim.api.nvim_buf_line_count(buffer)
vim.api.nvim_buf_set_lines(buffer, line, line, false, { 'title = "😀é"; ' .. LOAD })
vim.wait(600)
check("nothing is shown before the save", #ours(buffer) == 0, ours(buffer))

save()
local item = shown(buffer, RULE)
check("the mistake is shown after the save", item ~= nil, vim.diagnostic.get(buffer))
local row = vim.api.nvim_buf_get_lines(buffer, item.lnum, item.lnum + 1, false)[1]
check("it is underlined where it stands, behind an emoji", row:sub(item.col + 1, item.end_col) == 'torch.load("é😀.pt")',
  { item.col, item.end_col, row:sub(item.col + 1, item.end_col) })
check("a warning of the rules is a warning of the editor", item.severity == vim.diagnostic.severity.WARN, item.severity)

local function hover_at(lnum, col)
  vim.api.nvim_win_set_cursor(0, { lnum + 1, col })
  local answers = vim.lsp.buf_request_sync(buffer, "textDocument/hover", vim.lsp.util.make_position_params(0), 5000)
  local answer = answers[id]
  return answer and answer.result
end

local hover = hover_at(item.lnum, item.col)
check("hover explains it", hover and hover.contents.value:find(RULE, 1, true) ~= nil, hover)
check("hover says nothing elsewhere", hover_at(0, 0) == nil, hover_at(0, 0))

vim.api.nvim_win_set_cursor(0, { item.lnum + 1, item.col })
vim.lsp.buf.hover()
check("the hover window opens", wait(function()
  return #vim.api.nvim_list_wins() > 1
end), #vim.api.nvim_list_wins())
for _, window in ipairs(vim.api.nvim_list_wins()) do
  if vim.api.nvim_win_get_config(window).relative ~= "" then
    vim.api.nvim_win_close(window, true)
  end
end

-- Unsaved lines above: the fix must follow the statement.
vim.api.nvim_buf_set_lines(buffer, 0, 0, false, { "# 😀 one", "# two" })
vim.api.nvim_win_set_cursor(0, { item.lnum + 3, item.col })
local before = text(buffer)
vim.lsp.buf.code_action({
  apply = true,
  filter = function(action)
    return action.isPreferred == true
  end,
})
check("the preferred quick fix is applied", wait(function()
  return text(buffer) ~= before
end), text(buffer))
local wanted = before:gsub('%("é😀.pt"%)', '("é😀.pt", map_location="cpu")')
check("it changes nothing but the statement, moved by unsaved lines", text(buffer) == wanted, text(buffer))

save()
check("the mark is gone after the save", #ours(buffer) == 0, ours(buffer))
check("the file on disk holds the fix", on_disk() == wanted, on_disk())

-- Suppressing, then whole-file fixes.
vim.cmd("silent undo")
vim.wait(100)
vim.api.nvim_buf_set_lines(buffer, 0, -1, false, vim.split(before, "\n"))
save()
item = shown(buffer, RULE)
vim.api.nvim_win_set_cursor(0, { item.lnum + 1, item.col })
vim.lsp.buf.code_action({
  apply = true,
  filter = function(action)
    return action.title:find("^Ignore ") ~= nil
  end,
})
wait(function()
  return text(buffer):find("dry%-debug: ignore") ~= nil
end)
save()
check("a suppressed finding is not shown", #ours(buffer) == 0, ours(buffer))
vim.api.nvim_buf_set_lines(buffer, 0, -1, false, vim.split(before, "\n"))
save()
vim.lsp.buf.code_action({ apply = true, context = { only = { "source.fixAll" }, diagnostics = {} } })
check("fixing the whole file", wait(function()
  return text(buffer) == wanted
end), text(buffer))

-- Half-typed code keeps what was found.
vim.api.nvim_buf_set_lines(buffer, 0, -1, false, vim.split(before, "\n"))
save()
line = vim.api.nvim_buf_line_count(buffer)
vim.api.nvim_buf_set_lines(buffer, line, line, false, { "if (" })
save()
check("a syntax error is shown beside the findings", shown(buffer, "syntax-error") and shown(buffer, RULE), ours(buffer))

-- Code lenses: what the instructions do not ask for.
local folder = vim.fs.dirname(file)
vim.fn.writefile({ "batch size 16", "AdamW, lr 2e-4" }, folder .. "/INSTRUCTIONS.md")
vim.fn.writefile({
  "import torch",
  'note = "😀é"; optimizer = torch.optim.AdamW(model.parameters(), lr=2e-4, weight_decay=0.01)',
  "for batch in torch.utils.data.DataLoader(data, batch_size=16):",
  "    optimizer.zero_grad()",
  "    model(batch).mean().backward()",
  "    optimizer.step()",
}, folder .. "/tuned.py")
vim.cmd("edit! " .. vim.fn.fnameescape(folder .. "/tuned.py"))
vim.bo.filetype = "python"
local tuned = vim.api.nvim_get_current_buf()
vim.lsp.buf_attach_client(tuned, id)
vim.lsp.codelens.refresh({ bufnr = tuned })
check("a code lens comes", wait(function()
  return #vim.lsp.codelens.get(tuned) > 0
end), vim.lsp.codelens.get(tuned))
local lens = vim.lsp.codelens.get(tuned)[1]
check("it says what was not asked for", lens.command.title == "not in INSTRUCTIONS.md: weight_decay 0.01", lens)
local function marks()
  local found = {}
  for _, space in pairs(vim.api.nvim_get_namespaces()) do
    for _, mark in ipairs(vim.api.nvim_buf_get_extmarks(tuned, space, 0, -1, { details = true })) do
      for _, chunk in ipairs(mark[4].virt_text or {}) do
        table.insert(found, mark[2] .. " " .. chunk[1])
      end
    end
  end
  return found
end
check("it is shown in its line", wait(function()
  return vim.tbl_contains(marks(), "1 not in INSTRUCTIONS.md: weight_decay 0.01")
end), marks())
vim.api.nvim_win_set_cursor(0, { 2, 0 })
vim.lsp.codelens.run()
vim.wait(500)
check("choosing it is no error", vim.v.errmsg == "" and vim.fn.execute("messages") == "", vim.fn.execute("messages"))

vim.lsp.stop_client(id)
wait(function()
  return status ~= nil
end)
check("the server ends in order when it is told to", status == 0, status)
check("nothing was complained about", vim.v.errmsg == "", vim.v.errmsg)
vim.cmd(failed and "cquit! 1" or "qall!")
