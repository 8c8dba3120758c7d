import t from 'tap'
import { renderCloudInit } from '../../../common/api/cloud-init.ts'

const render = (template: string) =>
  renderCloudInit(template, { server: 'a:6443', nodeName: 'n-1' }, 'template')

t.test('every placeholder becomes its value, whatever space is around the name', async (t) => {
  t.equal(
    render('#cloud-config\nhostname: {{nodeName}}\njoin: {{  server }} {{ server }}\n'),
    '#cloud-config\nhostname: n-1\njoin: a:6443 a:6443\n',
  )
})

t.test('a script is user data too, and braces of its own stay', async (t) => {
  t.equal(render('#!/bin/sh\necho $server {} }}'), '#!/bin/sh\necho $server {} }}')
})

const refused: [title: string, template: string, message: RegExp][] = [
  [
    'a name without a value',
    '#cloud-config\n\n{{ token }}',
    /^template: line 3: \{\{ token \}\} must be one of the variables: server, nodeName$/,
  ],
  ['a name of every object', '#cloud-config\n{{ constructor }}', /line 2: .* must be one of/],
  ['an open placeholder', '#cloud-config\n{{ server', /line 2: must have a name and "\}\}"/],
  ['an empty one', '#cloud-config\n{{ }}', /line 2: must have a name/],
  ['text that cloud-init does not read', 'hostname: x', /must begin with #cloud-config or #!/],
]

for (const [title, template, message] of refused) {
  t.test(`refused: ${title}`, async (t) => {
    t.throws(() => render(template), message)
  })
}
